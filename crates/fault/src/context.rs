//! The trace that a request belongs to, from its W3C `traceparent`.

use model::TraceId;

/// The trace id of a `traceparent` (W3C Trace Context, level 2: any version but `ff`, lower-case hex); none if it is not valid.
#[must_use]
pub fn trace_id_of(traceparent: &str) -> Option<TraceId> {
    let mut parts = traceparent.trim().split('-');
    let (version, trace, span, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let hex = |text: &str, length: usize| {
        text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
    };
    let well_formed = hex(version, 2) && hex(trace, 32) && hex(span, 16) && hex(flags, 2) && version != "ff";
    // Version 00 has four parts; a later one may have more.
    if !well_formed || (version == "00" && parts.next().is_some()) {
        return None;
    }
    let invalid = |id: &str| id.bytes().all(|byte| byte == b'0');
    if invalid(trace) || invalid(span) { None } else { trace.parse().ok() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_standard_takes_is_a_context() {
        let check = |text: &str, valid: bool| assert_eq!(trace_id_of(text).is_some(), valid, "{text}");
        check("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", true);
        check("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00", true);
        check("cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more", true);
        check("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more", false);
        check("ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", false);
        check("00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01", false);
        check("00-00000000000000000000000000000000-b7ad6b7169203331-01", false);
        check("00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01", false);
        check("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331", false);
        check("", false);
    }
}
