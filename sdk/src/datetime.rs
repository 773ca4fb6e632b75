//! Moments in time as XEP-0082 and RFC 3339 write them, and as milliseconds since 1970.

use std::time::{SystemTime, UNIX_EPOCH};

/// The clock now, in milliseconds since 1970.
pub fn now_ms() -> i64 {
    #[cfg(not(target_family = "wasm"))]
    if let Some(ms) = crate::native::now_ms() {
        return ms;
    }
    // A clock before 1970 is a broken one; 1970 serves as well.
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |d| d.as_millis() as i64)
}

/// The clock now, RFC 3339 in UTC with milliseconds.
pub fn now() -> String {
    format(now_ms())
}

/// Writes a moment as RFC 3339 in UTC with milliseconds: `2006-12-19T17:58:35.000Z`.
pub fn format(ms: i64) -> String {
    let (day, ms) = (ms.div_euclid(DAY), ms.rem_euclid(DAY));
    let (year, month, day) = civil(day);
    let (hour, minute, second) = (ms / 3_600_000, ms / 60_000 % 60, ms / 1000 % 60);
    format!(
        "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{:03}Z",
        ms % 1000
    )
}

/// Reads a DateTime of XEP-0082: any number of fraction digits or none, `Z` or an offset.
pub fn parse(text: &str) -> Option<i64> {
    let text = text.trim();
    let (date, time) = text.split_once(['T', 't'])?;
    let [year, month, day] = numbers(date, '-', [4, 2, 2])?;
    let zone = time.find(['Z', 'z', '+', '-'])?;
    let (time, zone) = (time.get(..zone)?, time.get(zone..)?);
    let (time, fraction) = time.split_once('.').unwrap_or((time, "0"));
    let [hour, minute, second] = numbers(time, ':', [2, 2, 2])?;
    // 60 is a leap second.
    let valid =
        (1..=days_of(year, month)?).contains(&day) && hour < 24 && minute < 60 && second <= 60;
    let seconds = hour * 3600 + minute * 60 + second;
    valid.then_some(
        days(year, month, day) * DAY + seconds * 1000 + thousandths(fraction)?
            - parse_offset(zone)?,
    )
}

/// Reads a time zone (`Z`, `+02:00`) as milliseconds that it is ahead of UTC.
pub fn parse_offset(text: &str) -> Option<i64> {
    let (sign, rest) = match text.trim() {
        "Z" | "z" => return Some(0),
        text => (
            if text.starts_with('-') { -1 } else { 1 },
            text.strip_prefix(['+', '-'])?,
        ),
    };
    let [hours, minutes] = numbers(rest, ':', [2, 2])?;
    (hours < 24 && minutes < 60).then_some(sign * (hours * 60 + minutes) * 60_000)
}

/// Writes a time zone: `+02:00`.
pub fn format_offset(ms: i64) -> String {
    let minutes = ms.abs() / 60_000;
    format!(
        "{}{:02}:{:02}",
        if ms < 0 { '-' } else { '+' },
        minutes / 60,
        minutes % 60
    )
}

const DAY: i64 = 86_400_000;

/// `N` numbers of exactly these widths.
fn numbers<const N: usize>(text: &str, separator: char, widths: [usize; N]) -> Option<[i64; N]> {
    let mut numbers = [0; N];
    let mut parts = text.split(separator);
    for (number, width) in numbers.iter_mut().zip(widths) {
        let part = parts
            .next()
            .filter(|p| p.len() == width && p.bytes().all(|b| b.is_ascii_digit()))?;
        *number = part.parse().ok()?;
    }
    parts.next().is_none().then_some(numbers)
}

/// The first three digits of a fraction.
fn thousandths(fraction: &str) -> Option<i64> {
    let digits = !fraction.is_empty() && fraction.bytes().all(|b| b.is_ascii_digit());
    let value = |ms: i64, digit: u8| ms * 10 + i64::from(digit - b'0');
    digits.then(|| fraction.bytes().chain([b'0'; 2]).take(3).fold(0, value))
}

fn days_of(year: i64, month: i64) -> Option<i64> {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 => Some(if leap { 29 } else { 28 }),
        4 | 6 | 9 | 11 => Some(30),
        1..=12 => Some(31),
        _ => None,
    }
}

/// Days from 1970-01-01 to a date. Years begin in March, so that the leap day is their last, and
/// repeat every 400 years (Howard Hinnant, “chrono-compatible low-level date algorithms”).
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month > 2 { year } else { year - 1 };
    let (era, year) = (year.div_euclid(400), year.rem_euclid(400));
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year * 365 + year / 4 - year / 100 + day_of_year - 719_468
}

/// The date that many days after 1970-01-01.
fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, day) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let march = (5 * day + 2) / 153;
    let month = if march < 10 { march + 3 } else { march - 9 };
    (
        era * 400 + year + i64::from(month <= 2),
        month,
        day - (153 * march + 2) / 5 + 1,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_xep_0082_writes() {
        for (text, utc) in [
            ("1969-07-21T02:56:15Z", "1969-07-21T02:56:15.000Z"),
            ("1969-07-20T21:56:15-05:00", "1969-07-21T02:56:15.000Z"),
            ("2006-12-19T17:58:35.5Z", "2006-12-19T17:58:35.500Z"),
            (
                "2006-12-19T17:58:35.123456789+05:30",
                "2006-12-19T12:28:35.123Z",
            ),
            ("2024-02-29T23:59:59.999Z", "2024-02-29T23:59:59.999Z"),
            ("2016-12-31T23:59:60Z", "2017-01-01T00:00:00.000Z"),
            (" 2000-01-01t00:00:00z\n", "2000-01-01T00:00:00.000Z"),
        ] {
            assert_eq!(parse(text).map(format).as_deref(), Some(utc), "{text}");
        }
        assert_eq!(parse("1970-01-01T00:00:00Z"), Some(0));
    }

    #[test]
    fn refuses_what_is_no_moment() {
        for text in [
            "",
            "T",
            "Z",
            "2006-12-19",
            "2006-12-19T17:58:35",
            "2006-13-01T00:00:00Z",
            "2023-02-29T00:00:00Z",
            "2006-12-19T24:00:00Z",
            "2006-12-19T17:58:35.Z",
            "2006-12-19T17:58Z",
            "06-12-19T17:58:35Z",
            "2006-12-19T17:58:35+0200",
            "2006-12-19T17:58:35+25:00",
            "2006-12-19T+1:58:35Z",
            "20061219T17:58:35",
            "٢٠٠٦-12-19T17:58:35Z",
            "2006-12-19T17:58:35ZZ",
            "2006-12-19T17:58:35.é",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn every_day_comes_back() {
        for day in -800_000..800_000 {
            let (y, m, d) = civil(day);
            assert_eq!(days(y, m, d), day);
            assert!((1..=days_of(y, m).unwrap()).contains(&d));
        }
    }

    #[test]
    fn zones() {
        for (text, back) in [
            ("Z", "+00:00"),
            ("-06:00", "-06:00"),
            ("+05:45", "+05:45"),
            ("-00:30", "-00:30"),
        ] {
            assert_eq!(parse_offset(text).map(format_offset).as_deref(), Some(back));
        }
        assert_eq!(parse_offset("6"), None);
        assert_eq!(parse_offset("06:00"), None);
    }
}
