//! What questions cost, asked over HTTP of the loaded server. One connection, kept: what is measured is the answer. Before
//! anything is measured, some answers are compared with what was sent.

use std::time::{Duration, Instant};

use serde_json::Value as Json;

use super::Loaded;
use super::generator::{self, DAYS, KEYS, OPERATIONS, Random, SERVICES, VALUES, key, operation, service, value};
use super::sender::Asker;
use super::verify::hex;
use crate::bench::Figure;

/// Questions of each kind.
const QUESTIONS: u64 = 1_000;
/// Questions whose answers are long.
const LONG_QUESTIONS: u64 = 50;

const HOUR_NANOS: u64 = 3_600_000_000_000;
const DAY_NANOS: u64 = 24 * HOUR_NANOS;

/// The rows of the table about questions.
pub fn rows(loaded: &Loaded) -> Result<Vec<Figure>, String> {
    let mut asking = Asking { asker: Asker::open(loaded.page)?, random: Random::new(7), loaded };
    asking.check()?;
    let mut figures = asking.by_id()?;
    for (what, questions, bar, path) in QUESTIONS_ASKED {
        let (p50, p99) = asking.latencies(*questions, *path)?;
        println!("{what}: p50 {:.2} ms, p99 {:.2} ms", milliseconds(p50), milliseconds(p99));
        figures.push(Figure::at_most(what, milliseconds(p50), *bar, "ms"));
    }
    Ok(figures)
}

type Path = fn(&mut Asking<'_>) -> String;

/// What is asked, how often, its bar in milliseconds, and the question.
const QUESTIONS_ASKED: &[(&str, u64, Option<f64>, Path)] = &[
    ("one attribute, common, newest 20, p50", QUESTIONS, Some(8.0), |_| traces(&attribute(0, 0), 20, None)),
    ("one attribute, rare, newest 20, p50", QUESTIONS, None, |asking| traces(&asking.rare(), 20, None)),
    ("one attribute, rare, all of them, p50", LONG_QUESTIONS, Some(40.0), |asking| traces(&asking.rare(), 1_000, None)),
    ("a value that does not occur, p50", QUESTIONS, None, |asking| {
        traces(&format!("{{ span.{} = \"val_none\" }}", key(asking.random.below(KEYS))), 20, None)
    }),
    ("service, newest 20, p50", QUESTIONS, Some(10.0), |asking| traces(&asking.service(), 20, None)),
    ("operation, newest 20, p50", QUESTIONS, Some(10.0), |asking| traces(&asking.operation(), 20, None)),
    ("duration, newest 20, p50", QUESTIONS, Some(10.0), |asking| traces(&asking.duration(), 20, None)),
    ("time, newest 20 of an hour, p50", QUESTIONS, Some(10.0), |asking| {
        let hour = asking.window(HOUR_NANOS);
        traces("{ }", 20, Some(hour))
    }),
    ("service, operation, duration, attribute and a day, p50", QUESTIONS, Some(10.0), |asking| {
        let day = asking.window(DAY_NANOS);
        let of = asking.random.below(SERVICES);
        let name = operation(of, asking.random.below(OPERATIONS));
        let query = format!(
            "{{ resource.service.name = \"{}\" && name = \"{name}\" && duration > 1ms && span.{} = \"{}\" }}",
            service(of),
            key(0),
            value(0)
        );
        traces(&query, 20, Some(day))
    }),
    ("structure { } >> { }, newest 20 of a day, p50", QUESTIONS / 10, Some(500.0), |asking| {
        let day = asking.window(DAY_NANOS);
        traces("{ } >> { }", 20, Some(day))
    }),
    ("structure { } >> { }, every span of a day counted, p50", 5, Some(500.0), |asking| {
        let day = asking.window(DAY_NANOS);
        series("{ } >> { } | count_over_time()", "1h", Some(day))
    }),
    ("rate by service and operation over 10 days, p50", LONG_QUESTIONS, Some(100.0), |_| {
        series("{ } | rate() by(resource.service.name, name)", "2h", None)
    }),
    ("p99 by service and operation over 10 days, p50", LONG_QUESTIONS, Some(100.0), |_| {
        series("{ } | quantile_over_time(duration, 0.99) by(resource.service.name, name)", "2h", None)
    }),
];

struct Asking<'a> {
    asker: Asker,
    random: Random,
    loaded: &'a Loaded,
}

impl Asking<'_> {
    fn by_id(&mut self) -> Result<Vec<Figure>, String> {
        let (p50, p99) = self.latencies(QUESTIONS, |asking| {
            let number = asking.random.below(asking.loaded.generator.traces);
            format!("/api/v1/trace/{}/otlp", hex(&asking.loaded.generator.trace_id(number)))
        })?;
        Ok(vec![
            Figure::at_most("trace by id, p50", milliseconds(p50), Some(3.0), "ms"),
            Figure::at_most("trace by id, p99", milliseconds(p99), Some(12.0), "ms"),
        ])
    }

    fn rare(&mut self) -> String {
        attribute(1 + self.random.below(KEYS - 1), self.random.below(VALUES))
    }

    fn service(&mut self) -> String {
        format!("{{ resource.service.name = \"{}\" }}", service(self.random.below(SERVICES)))
    }

    fn operation(&mut self) -> String {
        let of = self.random.below(SERVICES);
        format!("{{ name = \"{}\" }}", operation(of, self.random.below(OPERATIONS)))
    }

    fn duration(&mut self) -> String {
        format!("{{ duration > {}us }}", 1_000 + self.random.below(50_000))
    }

    /// A random part of the time that the traces are spread over.
    fn window(&mut self, length: u64) -> (u64, u64) {
        let begin = self.loaded.generator.began + self.random.below(DAYS * DAY_NANOS - length);
        (begin, begin + length)
    }

    /// Asks a tenth to warm up, then measures; median and 99th percentile.
    fn latencies(&mut self, questions: u64, path: Path) -> Result<(Duration, Duration), String> {
        let mut taken = Vec::new();
        for asked in [questions / 10 + 1, questions] {
            taken.clear();
            for _ in 0..asked {
                let path = path(self);
                let began = Instant::now();
                self.asker.get(&path)?;
                taken.push(began.elapsed());
            }
        }
        taken.sort_unstable();
        let at = |hundredths: usize| taken.get(taken.len() * hundredths / 100).copied().ok_or("nothing was measured");
        Ok((at(50)?, at(99)?))
    }

    fn json(&mut self, path: &str) -> Result<Json, String> {
        let body = self.asker.get(path)?;
        let json: Json = serde_json::from_slice(&body).map_err(|error| format!("{path}: {error}"))?;
        if json["completeness"]["complete"] == true {
            Ok(json)
        } else {
            Err(format!("{path}: {}", json["completeness"]))
        }
    }

    /// Found is what was sent: one rare value, and the number of all spans.
    fn check(&mut self) -> Result<(), String> {
        let (of_key, of_value) = (key(17), value(123));
        let all = self.loaded.generator;
        let matching = |number: u64| {
            let trace = all.trace(number);
            let meets = |span: &generator::Span| {
                span.attributes.iter().any(|(key, value)| {
                    *key == of_key && matches!(value, generator::Value::Text(text) if *text == of_value)
                })
            };
            let spans = trace.spans.iter().filter(|span| meets(span)).count();
            (spans > 0).then(|| (hex(&trace.trace_id), spans as u64))
        };
        let expected: std::collections::BTreeMap<String, u64> = (0..all.traces).filter_map(matching).collect();
        let mut found = std::collections::BTreeMap::new();
        let mut cursor = String::new();
        loop {
            let path = traces(&attribute(17, 123), 500, None) + &cursor;
            let page = self.json(&path)?;
            for row in page["traces"].as_array().into_iter().flatten() {
                let id = row["traceId"].as_str().unwrap_or_default().to_owned();
                found.insert(id, row["matchedSpans"].as_u64().unwrap_or_default());
            }
            match page["nextCursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        if found != expected {
            return Err(format!("{} traces have a value, {} were found", expected.len(), found.len()));
        }
        let counted = self.json(&series("{ } | count_over_time()", "2h", None))?;
        let spans = counted["spans"].as_u64().unwrap_or_default();
        if spans != self.loaded.spans {
            return Err(format!("{} spans are held, {spans} were counted", self.loaded.spans));
        }
        Ok(())
    }
}

fn attribute(of_key: u64, of_value: u64) -> String {
    format!("{{ span.{} = \"{}\" }}", key(of_key), value(of_value))
}

fn traces(query: &str, limit: u64, window: Option<(u64, u64)>) -> String {
    format!("/api/v1/traces?q={}&limit={limit}{}", encoded(query), times(window))
}

fn series(query: &str, step: &str, window: Option<(u64, u64)>) -> String {
    format!("/api/v1/series?q={}&step={step}{}", encoded(query), times(window))
}

fn times(window: Option<(u64, u64)>) -> String {
    window.map_or(String::new(), |(start, end)| format!("&start={start}&end={end}"))
}

/// Percent-encoding of everything that is no letter or digit.
fn encoded(text: &str) -> String {
    let byte = |byte: u8| {
        if byte.is_ascii_alphanumeric() { (byte as char).to_string() } else { format!("%{byte:02X}") }
    };
    text.bytes().map(byte).collect()
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}
