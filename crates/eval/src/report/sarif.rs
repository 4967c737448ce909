//! SARIF 2.1.0: what did not hold as results at their lines of the suite, and findings of the analyses, for code scanning.
//!
//! <https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html>

use std::collections::BTreeMap;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::told::{Told, told};
use super::{RunReport, Verdict};
use crate::limits::SARIF_RESULTS_MAX;

/// The run as SARIF. `findings` are those of the analyses over the run's traces.
#[must_use]
pub fn sarif(report: &RunReport, findings: &[analysis::Finding]) -> Value {
    let all = told(report);
    let mut rules: BTreeMap<String, Value> = BTreeMap::new();
    let mut results: Vec<Value> = Vec::new();
    for one in &all {
        let (id, about) = match one.assertion {
            Some(assertion) => {
                (format!("assertion/{}", assertion.kind), format!("An assertion `{}` holds", assertion.kind))
            }
            None => ("driven".to_owned(), "Every scenario can be driven".to_owned()),
        };
        rules.entry(id.clone()).or_insert_with(|| rule(&id, &about));
        results.push(result(report, one, &id));
    }
    for finding in findings {
        let id = format!("finding/{}", finding.kind.name());
        rules.entry(id.clone()).or_insert_with(|| rule(&id, &format!("No finding `{}`", finding.kind.name())));
        results.push(found(report, finding, &id));
    }
    let left_out = results.len().saturating_sub(SARIF_RESULTS_MAX);
    results.truncate(SARIF_RESULTS_MAX);
    let mut notifications = Vec::new();
    if left_out > 0 {
        let text = format!("{left_out} results were left out: at most {SARIF_RESULTS_MAX} are written");
        notifications.push(json!({"level": "warning", "message": {"text": text}}));
    }
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "Headwater",
                "version": report.version,
                "rules": rules.into_values().collect::<Vec<_>>(),
            }},
            "automationDetails": {"id": format!("headwater/{}/{}", report.suite, report.run)},
            "invocations": [{
                "executionSuccessful": !report.interrupted,
                "exitCode": report.exit_code,
                "toolExecutionNotifications": notifications,
            }],
            "results": results,
        }],
    })
}

fn rule(id: &str, about: &str) -> Value {
    json!({"id": id, "shortDescription": {"text": about}})
}

fn result(report: &RunReport, one: &Told<'_>, rule: &str) -> Value {
    let level = match one.verdict {
        Verdict::Fail | Verdict::Regressed | Verdict::Error => "error",
        Verdict::Flaky | Verdict::NotEvaluable | Verdict::Insufficient => "warning",
        Verdict::Pass | Verdict::Improved => "none",
    };
    let evidence = one.assertion.map(|assertion| assertion.evidence.as_slice()).unwrap_or_default();
    let related: Vec<Value> = evidence
        .iter()
        .enumerate()
        .map(|(id, span)| {
            let text = format!("{} {} {} (span {})", span.service, span.name, span.note, span.span_id);
            json!({
                "id": id,
                "message": {"text": text},
                "logicalLocations": [{"fullyQualifiedName": format!("{}/{}", span.service, span.name), "kind": "function"}],
            })
        })
        .collect();
    let mut result = json!({
        "ruleId": rule,
        "level": level,
        "message": {"text": format!("{}: {}: {}", one.scenario, one.verdict.words(), one.text())},
        "locations": [location(&report.file, one.line)],
        "partialFingerprints": {"headwater/v1": fingerprint(&[one.scenario, rule, one.assertion.map_or("", |one| &one.text)])},
        "properties": {"scenario": one.scenario, "verdict": one.verdict.name(), "traceId": one.trace},
    });
    if !related.is_empty() {
        result["relatedLocations"] = related.into();
    }
    result
}

fn found(report: &RunReport, finding: &analysis::Finding, rule: &str) -> Value {
    let (having, all) = finding.traces;
    let text = format!("{}: {} (in {having} of {all} traces). {}", finding.title, finding.what, finding.next_step);
    json!({
        "ruleId": rule,
        "level": "note",
        "message": {"text": text},
        // A finding is about a service; the suite that drove it is the nearest file there is.
        "locations": [{
            "physicalLocation": location(&report.file, 1)["physicalLocation"],
            "logicalLocations": [{"fullyQualifiedName": finding.place.to_string(), "kind": "function"}],
        }],
        "partialFingerprints": {"headwater/v1": &*finding.id},
        "properties": {
            "traceIds": finding.evidence.iter().map(|evidence| evidence.trace.to_string()).collect::<Vec<_>>(),
            "costNanoseconds": finding.cost.nanos(),
        },
    })
}

fn location(file: &str, line: u32) -> Value {
    // A run that came from elsewhere than a file still needs a place that readers accept.
    let uri = if file.is_empty() { "headwater.yaml" } else { file };
    json!({"physicalLocation": {
        "artifactLocation": {"uri": uri.replace('\\', "/").replace(' ', "%20")},
        "region": {"startLine": line.max(1)},
    }})
}

/// Stays the same for the same thing when lines move.
fn fingerprint(parts: &[&str]) -> String {
    let hash = Sha256::digest(parts.join("\u{0}").as_bytes());
    hash.iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}
