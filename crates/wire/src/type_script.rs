//! The TypeScript of the API, made from the same declarations as the JSON: `ui/src/api/types.ts`.

use crate::{
    CompareRequest, Comparison, CompletionList, Declarations, Deleted, Diagnosis, EvalRun, Explanation, FindResult,
    Info, KeyList, LiveEvals, LiveGap, LiveStatus, LiveTraces, OUTLINE_MEDIA_TYPE, OutlineJson, Problem, RunAccepted,
    RunList, SearchList, SeriesList, ServiceList, ServiceMap, Shape, SpanDetail, SpanRow, StartRun, Status,
    TraceClocks, TraceList, TraceSort, ValueList, WatchHeader, WhatIfAnswer, WhatIfRequest, flag,
};

/// The whole file, ready to be written.
#[must_use]
pub fn type_script() -> String {
    let mut declarations = Declarations::new();
    Info::declare(&mut declarations);
    Status::declare(&mut declarations);
    ServiceList::declare(&mut declarations);
    TraceList::declare(&mut declarations);
    TraceSort::declare(&mut declarations);
    SeriesList::declare(&mut declarations);
    SearchList::declare(&mut declarations);
    OutlineJson::declare(&mut declarations);
    TraceClocks::declare(&mut declarations);
    SpanDetail::declare(&mut declarations);
    SpanRow::declare(&mut declarations);
    FindResult::declare(&mut declarations);
    WatchHeader::declare(&mut declarations);
    Deleted::declare(&mut declarations);
    ServiceMap::declare(&mut declarations);
    Explanation::declare(&mut declarations);
    WhatIfRequest::declare(&mut declarations);
    WhatIfAnswer::declare(&mut declarations);
    CompareRequest::declare(&mut declarations);
    Comparison::declare(&mut declarations);
    Diagnosis::declare(&mut declarations);
    KeyList::declare(&mut declarations);
    CompletionList::declare(&mut declarations);
    ValueList::declare(&mut declarations);
    RunList::declare(&mut declarations);
    EvalRun::declare(&mut declarations);
    StartRun::declare(&mut declarations);
    RunAccepted::declare(&mut declarations);
    LiveTraces::declare(&mut declarations);
    LiveStatus::declare(&mut declarations);
    LiveEvals::declare(&mut declarations);
    LiveGap::declare(&mut declarations);
    Problem::declare(&mut declarations);

    let mut file = String::from(
        "// The JSON of Headwater's HTTP API. Generated from the crate `wire` (`cargo xtask gen`); do not edit.\n",
    );
    for declaration in declarations.values() {
        file.push('\n');
        file.push_str(declaration);
    }
    file.push_str(&constants());
    file
}

fn constants() -> String {
    let bits: String = flag::NAMES.iter().map(|(name, bit)| format!("  {name}: {bit},\n")).collect();
    format!(
        "\n/** Media type of the binary outline. */\n\
         export const OUTLINE_MEDIA_TYPE = {OUTLINE_MEDIA_TYPE:?};\n\
         \n/** Bits of the outline's `flags` column. */\n\
         export const OutlineFlag = {{\n{bits}}} as const;\n"
    )
}

#[cfg(test)]
mod tests {
    use super::type_script;

    /// `HEADWATER_GENERATE=1 cargo test -p wire` writes the file instead.
    #[test]
    fn the_committed_file_is_what_would_be_generated() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../ui/src/api/types.ts");
        if std::env::var_os("HEADWATER_GENERATE").is_some() {
            std::fs::write(path, type_script()).expect("types.ts can be written");
        }
        let committed = std::fs::read_to_string(path).expect("ui/src/api/types.ts is there");
        assert!(committed == type_script(), "ui/src/api/types.ts is stale: run `cargo xtask gen`");
    }

    #[test]
    fn the_json_has_the_names_of_the_type_script() {
        let column = crate::OutlineColumn { name: "start".into(), of: "f64".into(), offset: 0, length: 1 };
        let share = crate::ServiceShare { name: "rag".into(), span_count: 1, error_count: 0, critical: 0 };
        let latency = crate::Latency { p50: Some(1), p95: None, p99: None, max: None };
        let names =
            |json: serde_json::Value| -> Vec<String> { json.as_object().expect("an object").keys().cloned().collect() };
        let file = type_script();
        for (name, json) in [
            ("OutlineColumn", serde_json::to_value(&column)),
            ("ServiceShare", serde_json::to_value(&share)),
            ("Latency", serde_json::to_value(&latency)),
        ] {
            let body = file.split_once(&format!("export interface {name} {{\n")).expect("declared").1;
            let body = body.split_once("\n}\n").expect("closed").0;
            let fields: Vec<&str> = body
                .lines()
                .filter(|line| line.ends_with(';'))
                .filter_map(|line| line.trim().split_once(": ").map(|(field, _)| field))
                .collect();
            assert_eq!(names(json.expect("serialises")), fields);
        }
        assert_eq!(crate::shape::camel_case("t0_unix_nano"), "t0UnixNano");
    }

    #[test]
    fn every_type_referred_to_is_declared_once() {
        let file = type_script();
        let declared: Vec<&str> = file
            .lines()
            .filter_map(|line| line.strip_prefix("export interface ").or_else(|| line.strip_prefix("export type ")))
            .map(|line| line.split([' ', '=', ';']).next().unwrap_or_default())
            .collect();
        let unique: std::collections::BTreeSet<&str> = declared.iter().copied().collect();
        assert_eq!(unique.len(), declared.len());
        for line in file.lines().filter(|line| line.starts_with("  ") && line.contains(": ") && !line.contains("*")) {
            let of = line.split_once(": ").expect("has one").1.trim_matches(|c: char| !c.is_alphanumeric());
            let name = of.split([' ', '[', ';', ')']).next().unwrap_or_default();
            let known = name.starts_with(char::is_lowercase) || name.starts_with(|c: char| c.is_ascii_digit());
            assert!(known || declared.contains(&name), "{name} in {line:?}");
        }
    }
}
