//! Random ids.

/// A random id of 128 bits in 32 hexadecimal digits, for stanzas and queries: nobody can guess
/// it, and no two are equal.
pub fn id() -> String {
    format!("{:032x}", u128::from_ne_bytes(bytes()))
}

/// Random bytes.
pub fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    // WASI has no way to say that there is no randomness, so this can't fail in a plugin.
    if getrandom::fill(&mut bytes).is_err() {
        crate::error!("no randomness");
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_differ() {
        let (a, b) = (id(), id());
        assert_eq!((a.len(), b.len()), (32, 32));
        assert_ne!(a, b);
    }
}
