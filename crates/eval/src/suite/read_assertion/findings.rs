//! The assertion `findings`.

use analysis::{Confidence, FindingKind};

use super::Body;
use crate::suite::keys::FINDINGS;
use crate::suite::units::{self, Range};
use crate::suite::yaml::Node;
use crate::suite::{Check, FindingsCheck};

pub(super) fn read(body: &mut Body<'_, '_, '_>) -> Option<Check> {
    body.tests(body.value, FINDINGS, "`findings`")?;
    let mut check = FindingsCheck {
        kinds: Vec::new(),
        edge: None,
        service: None,
        sure: Confidence::Hint,
        cost: None,
        saving: None,
        impact: None,
        suppress: Vec::new(),
        count: Range::exactly(0.0),
    };
    for entry in body.value.entries().unwrap_or_default() {
        let value = &entry.value;
        match entry.key.as_str() {
            "kind" => check.kinds = kinds(body, value)?,
            "edge" => check.edge = Some(body.edge(value)?),
            "service" => check.service = Some(body.service(value)?),
            "sure" => {
                let words =
                    [Confidence::Evidence, Confidence::Hint, Confidence::CannotTell].map(|one| (one.name(), one));
                check.sure = body.reader.word(value, "`sure`", &words)?;
            }
            "cost" => check.cost = Some(body.upper(value, super::nanos)?),
            "saving" => check.saving = Some(body.upper(value, super::nanos)?),
            "impact" => check.impact = Some(body.upper(value, units::share)?),
            "suppress" => {
                for item in body.reader.items(value) {
                    check.suppress.push(body.reader.text(item, "an id")?.into());
                }
            }
            "count" => check.count = body.reader.range(value, "`count`", units::whole)?,
            _ => {}
        }
    }
    Some(Check::Findings(check))
}

fn kinds(body: &mut Body<'_, '_, '_>, value: &Node) -> Option<Vec<FindingKind>> {
    let words = FindingKind::ALL.map(|kind| (kind.name(), kind));
    let items = body.reader.items(value);
    if items.is_empty() {
        return body.vacuous(value, "a list of no kinds", "name at least one, or leave `kind` out");
    }
    items.into_iter().map(|item| body.reader.word(item, "`kind`", &words)).collect()
}
