//! Query parameters: times, limits, ids. Each mistake names its parameter and shows how it is written.

use model::{Duration, Instant, TraceId};

use crate::answer::Refusal;

const TIME_HINT: &str = "write -30m, now, 2026-11-24T08:00:00Z or Unix nanoseconds";

/// The window of `since`, `start` and `end`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Window {
    /// From here on.
    pub start: Option<Instant>,
    /// Up to here.
    pub end: Option<Instant>,
}

/// Reads a window.
///
/// # Errors
/// Which parameter cannot be read.
pub fn window(since: Option<&str>, start: Option<&str>, end: Option<&str>, now: Instant) -> Result<Window, Refusal> {
    let refuse = |name: &str, text: &str| Refusal::parameter(name, format!("{text:?} is no time"), TIME_HINT);
    let read = |name: &str, text: Option<&str>| {
        text.filter(|text| !text.is_empty()).map(|text| time(text, now).ok_or_else(|| refuse(name, text))).transpose()
    };
    let since = since.filter(|text| !text.is_empty() && *text != "all");
    let since =
        since.map(|text| duration(text).map(|back| now - back).ok_or_else(|| refuse("since", text))).transpose()?;
    let (start, end) = (read("start", start)?.or(since), read("end", end)?);
    if let (Some(start), Some(end)) = (start, end)
        && start > end
    {
        return Err(Refusal::parameter("start", "the window ends before it starts", "swap start and end"));
    }
    Ok(Window { start, end })
}

/// Reads a number within bounds.
///
/// # Errors
/// If it is no number; one beyond the bounds is moved to them.
pub fn limit(text: Option<&str>, default: usize, max: usize) -> Result<usize, Refusal> {
    let Some(text) = text.filter(|text| !text.is_empty()) else { return Ok(default) };
    let number: usize = text
        .parse()
        .map_err(|_| Refusal::parameter("limit", format!("{text:?} is no number"), format!("write 1 to {max}")))?;
    Ok(number.clamp(1, max))
}

/// Reads a trace id.
///
/// # Errors
/// If it is none.
pub fn trace_id(text: &str) -> Result<TraceId, Refusal> {
    text.parse().map_err(|error| {
        Refusal::new(http::StatusCode::BAD_REQUEST, format!("no trace id: {error}"), "a trace id has 32 hex digits")
    })
}

/// A point in time.
fn time(text: &str, now: Instant) -> Option<Instant> {
    if text == "now" {
        return Some(now);
    }
    if let Some(back) = text.strip_prefix('-') {
        return duration(back).map(|back| now - back);
    }
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        return unix(text.parse().ok()?);
    }
    rfc3339(text)
}

/// Seconds, milliseconds, microseconds or nanoseconds since the epoch, told apart by size: each unit is 1,000 times the
/// next, and no date of use lies where two of them meet (1973 to 5138 in seconds).
fn unix(number: u64) -> Option<Instant> {
    let scale = match number {
        0..=99_999_999_999 => 1_000_000_000,
        100_000_000_000..=99_999_999_999_999 => 1_000_000,
        100_000_000_000_000..=99_999_999_999_999_999 => 1_000,
        _ => 1,
    };
    number.checked_mul(scale).map(Instant)
}

/// `90s`, `1.5h`, `1h30m`; a bare number is seconds.
pub fn duration(text: &str) -> Option<Duration> {
    if let Ok(seconds) = text.parse::<u32>() {
        return Some(Duration::from_secs(i64::from(seconds)));
    }
    let mut rest = text;
    let mut total = 0.0_f64;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, after) = rest.split_at(digits);
        let letters = after.find(|c: char| c.is_ascii_digit()).unwrap_or(after.len());
        let (unit, next) = after.split_at(letters);
        let nanos = match unit {
            "ns" => 1.0,
            "us" | "µs" => 1e3,
            "ms" => 1e6,
            "s" => 1e9,
            "m" | "min" => 60e9,
            "h" => 3_600e9,
            "d" => 86_400e9,
            "w" => 604_800e9,
            _ => return None,
        };
        total += number.parse::<f64>().ok()? * nanos;
        rest = next;
    }
    (!text.is_empty() && total.is_finite()).then_some(Duration(total as i64))
}

/// `2026-11-24T08:00:00.123Z`, with any offset.
fn rfc3339(text: &str) -> Option<Instant> {
    let (date, clock) = text.split_once(['T', 't', ' '])?;
    let (clock, offset) = match clock.find(['Z', 'z', '+', '-']) {
        Some(at) => (clock.get(..at)?, clock.get(at..)?),
        None => return None,
    };
    let offset_seconds = match offset {
        "Z" | "z" => 0,
        other => {
            let (hours, minutes) = other.get(1..)?.split_once(':')?;
            let seconds = hours.parse::<i64>().ok()? * 3_600 + minutes.parse::<i64>().ok()? * 60;
            if other.starts_with('-') { -seconds } else { seconds }
        }
    };
    let numbers =
        |text: &str, by: char| text.split(by).map(|part| part.parse::<i64>().ok()).collect::<Option<Vec<_>>>();
    let [year, month, day] = numbers(date, '-')?[..] else { return None };
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, ""));
    let [hour, minute, second] = numbers(clock, ':')?[..] else { return None };
    let in_range = (1970..=2554).contains(&year)
        && (1..=12).contains(&month)
        && (1..=31).contains(&day)
        && (0..=23).contains(&hour)
        && (0..=59).contains(&minute)
        && (0..=60).contains(&second);
    if !in_range || fraction.len() > 9 || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let nanos: i128 = if fraction.is_empty() { 0 } else { format!("{fraction:0<9}").parse().ok()? };
    let days = stdx::days_from_civil(year, month, day);
    let seconds = days * 86_400 + hour * 3_600 + minute * 60 + second - offset_seconds;
    u64::try_from(i128::from(seconds) * 1_000_000_000 + nanos).ok().map(Instant)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Instant = Instant(1_732_435_200_000_000_000);

    fn check(text: &str, expected: Option<u64>) {
        assert_eq!(time(text, NOW).map(|instant| instant.0), expected, "{text}");
    }

    #[test]
    fn times_are_read_in_every_way_people_write_them() {
        check("now", Some(NOW.0));
        check("-30m", Some(NOW.0 - 1_800_000_000_000));
        check("-1h30m", Some(NOW.0 - 5_400_000_000_000));
        check("1732435200", Some(NOW.0));
        check("1732435200000", Some(NOW.0));
        check("1732435200000000", Some(NOW.0));
        check("1732435200000000000", Some(NOW.0));
        check("2024-11-24T08:00:00Z", Some(NOW.0));
        check("2024-11-24T09:30:00+01:30", Some(NOW.0));
        check("2024-11-24T08:00:00.5Z", Some(NOW.0 + 500_000_000));
        check("2024-02-29T00:00:00Z", Some(1_709_164_800_000_000_000));
        check("1970-01-01T00:00:00Z", Some(0));
        for broken in [
            "",
            "yesterday",
            "2024-11-24",
            "2024-13-24T08:00:00Z",
            "-",
            "-5x",
            "99999999999999999999999",
            "1969-12-31T23:59:59Z",
        ] {
            check(broken, None);
        }
    }

    #[test]
    fn windows_and_limits_say_which_parameter_is_wrong() {
        assert_eq!(window(Some("1h"), None, None, NOW).expect("reads").start, Some(Instant(NOW.0 - 3_600_000_000_000)));
        assert_eq!(window(Some("all"), None, None, NOW).expect("reads"), Window::default());
        assert!(window(None, Some("now"), Some("-1h"), NOW).is_err());
        assert!(window(Some("ever"), None, None, NOW).is_err());
        assert_eq!(limit(Some("0"), 5, 10).expect("reads"), 1);
        assert_eq!(limit(Some("99"), 5, 10).expect("reads"), 10);
        assert_eq!(limit(None, 5, 10).expect("reads"), 5);
        assert!(limit(Some("many"), 5, 10).is_err());
    }
}
