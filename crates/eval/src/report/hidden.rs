//! Reports without the suite's secrets, whoever echoed them.

use super::{AssertionReport, AttemptReport, CompletenessReport, EvidenceSpan, RunReport, ScenarioReport, StepReport};
use crate::Secrets;

impl AttemptReport {
    pub(crate) fn hide(&mut self, secrets: &Secrets) {
        if secrets.is_empty() {
            return;
        }
        self.steps.iter_mut().for_each(|step| hide_in_step(step, secrets));
        self.assertions.iter_mut().for_each(|assertion| hide_in_assertion(assertion, secrets));
        self.error.iter_mut().for_each(|error| secrets.hide_in(error));
    }
}

impl ScenarioReport {
    /// Of all attempts together; each attempt's own report is without them already.
    pub(crate) fn hide(&mut self, secrets: &Secrets) {
        if secrets.is_empty() {
            return;
        }
        self.over_attempts.iter_mut().for_each(|assertion| hide_in_assertion(assertion, secrets));
    }
}

impl RunReport {
    /// Of what stands beside the scenarios.
    pub(crate) fn hide(&mut self, secrets: &Secrets) {
        self.hooks.iter_mut().for_each(|hook| hide_in_step(hook, secrets));
        self.errors.iter_mut().for_each(|error| secrets.hide_in(error));
    }
}

fn hide_in_step(step: &mut StepReport, secrets: &Secrets) {
    step.error.iter_mut().for_each(|error| secrets.hide_in(error));
    step.completeness.iter_mut().for_each(|completeness| hide_in_completeness(completeness, secrets));
}

fn hide_in_completeness(completeness: &mut CompletenessReport, secrets: &Secrets) {
    completeness.reasons.iter_mut().for_each(|reason| secrets.hide_in(reason));
    completeness.services.iter_mut().for_each(|service| secrets.hide_in(&mut service.service));
}

fn hide_in_assertion(report: &mut AssertionReport, secrets: &Secrets) {
    for text in [&mut report.text, &mut report.expected, &mut report.found, &mut report.reason] {
        secrets.hide_in(text);
    }
    report.selectors.iter_mut().for_each(|selector| secrets.hide_in(selector));
    report.evidence.iter_mut().chain(&mut report.nearest).for_each(|span| hide_in_span(span, secrets));
}

fn hide_in_span(span: &mut EvidenceSpan, secrets: &Secrets) {
    for text in [&mut span.service, &mut span.name, &mut span.note] {
        secrets.hide_in(text);
    }
}
