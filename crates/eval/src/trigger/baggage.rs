//! A fault as baggage: `headwater.fault=edge%3Drag-%3Ellm%2Cstatus%3D503%2Ctimes%3D3`.
//!
//! Decoded, it reads `edge=rag->llm,status=503,times=3`; several faults are joined by `;`. Only services that were started
//! with faults on honour it.

use std::fmt::Write as _;

use crate::suite::Fault;

/// The value of the `baggage` header; none without faults.
pub(crate) fn fault_baggage(faults: &[Fault]) -> Option<String> {
    if faults.is_empty() {
        return None;
    }
    let faults: Vec<String> = faults.iter().map(fault_text).collect();
    Some(format!("headwater.fault={}", percent_encoded(&faults.join(";"))))
}

fn fault_text(fault: &Fault) -> String {
    let mut text = format!("edge={}->{}", fault.edge.caller, fault.edge.callee);
    if let Some(status) = fault.status {
        let _ = write!(text, ",status={status}");
    }
    if let Some(delay) = fault.delay {
        let _ = write!(text, ",delay={}ms", delay.nanos() / 1_000_000);
    }
    if let Some(times) = fault.times {
        let _ = write!(text, ",times={times}");
    }
    text
}

pub(crate) fn percent_encoded(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            encoded.push(byte as char);
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::suite::Edge;
    use model::Duration;

    #[test]
    fn faults_travel_encoded() {
        let edge = Edge { caller: "rag".into(), callee: "llm".into() };
        let refused = Fault { edge: edge.clone(), status: Some(503), delay: None, times: Some(3) };
        let encoded = fault_baggage(&[refused]).expect("a fault");
        assert_eq!(encoded, "headwater.fault=edge%3Drag-%3Ellm%2Cstatus%3D503%2Ctimes%3D3");
        let slow = Fault { edge, status: None, delay: Some(Duration::from_secs(5)), times: None };
        assert_eq!(fault_text(&slow), "edge=rag->llm,delay=5000ms");
        assert_eq!(fault_baggage(&[]), None);
    }
}
