use super::*;

#[test]
fn greets() {
    let answer = greeting("<hello xmlns='{{xmlns}}' name='&lt;Romeo>'/>").unwrap();
    let answer = xml::parse(&answer).unwrap();
    assert_eq!(answer.text(), "Hello, <Romeo>!");
}

#[test]
fn wants_a_name() {
    let error = greeting("<hello xmlns='{{xmlns}}'/>").unwrap_err();
    assert_eq!(error.condition, "bad-request");
}
