//! Happens-before between siblings: the six true orders of media in every draw, none claimed independent in hotel.

use std::collections::BTreeSet;
use std::path::Path;

use analysis::{Confidence, ExplainOptions, Explanation, Finding, FindingKind, SiblingOrders};
use model::Trace;
use stdx::{Random, SeededRandom};

use crate::paths::recorded;
use crate::{Row, row};

/// Read from the source of the service: (parent, before, after), each by the end of its name.
const TRUE_ORDERS: [(&str, &str, &str); 6] = [
    ("UploadMovieId", "MmcGetMovieId", "MmcSetMovieId"),
    ("UploadMovieId", "MmcGetMovieId", "UploadMovieId"),
    ("UploadMovieId", "MmcGetMovieId", "UploadRating"),
    ("UploadUserWithUsername", "MmcGetUserId", "UploadUserId"),
    ("UploadMovieReview", "MongoUpdate.", "RedisUpdate"),
    ("UploadUserReview", "MongoUpdate", "RedisUpdate"),
];

const DRAWS: u64 = 20;
const TRACES_A_DRAW: usize = 50;

pub(crate) fn rows(folder: &Path) -> Result<Vec<Row>, String> {
    let mut media = Vec::new();
    for load in ["25", "50", "75", "100"] {
        media.extend(recorded(folder, &format!("media/load{load}"))?);
    }
    let mut exact = 0;
    let mut others = BTreeSet::new();
    for seed in 0..DRAWS {
        let wrong = wrong_orders(&draw(&media, seed));
        exact += u64::from(wrong.is_empty());
        others.extend(wrong);
    }
    let figure = format!("{exact} of {DRAWS} draws{}", some(&others));
    let media_row =
        row("exactly the six true sibling orders, 50 traces a draw", "media", "20 of 20 draws", exact == DRAWS, figure);
    let all = wrong_orders(&media.iter().collect::<Vec<_>>());
    let figure = format!("{} wrong of {} traces{}", all.len(), media.len(), some(&all.iter().cloned().collect()));
    let all_row = row("the six true sibling orders over all traces", "media", "none wrong", all.is_empty(), figure);
    Ok(vec![media_row, all_row, hotel(folder)?])
}

fn some(names: &BTreeSet<String>) -> String {
    let shown: Vec<&str> = names.iter().take(4).map(String::as_str).collect();
    if shown.is_empty() { String::new() } else { format!(" ({})", shown.join("; ")) }
}

fn draw(traces: &[Trace], seed: u64) -> Vec<&Trace> {
    let random = SeededRandom::new(seed);
    let mut left: Vec<&Trace> = traces.iter().collect();
    (0..TRACES_A_DRAW.min(left.len())).map(|_| left.swap_remove(random.below(left.len() as u64) as usize)).collect()
}

/// Orders that were missed or are not true.
fn wrong_orders(traces: &[&Trace]) -> Vec<String> {
    let mut orders = SiblingOrders::new();
    traces.iter().for_each(|trace| orders.add(trace));
    let found = orders.orders();
    let ends = |text: &str, name: &str| text.rsplit(':').next() == Some(name);
    let is = |order: &analysis::SiblingOrder, truth: &(&str, &str, &str)| {
        ends(&order.parent, truth.0) && ends(&order.before, truth.1) && ends(&order.after, truth.2)
    };
    let invented = found.iter().filter(|order| !TRUE_ORDERS.iter().any(|truth| is(order, truth)));
    let missed = TRUE_ORDERS.iter().filter(|truth| !found.iter().any(|order| is(order, truth)));
    let invented = invented.map(|order| {
        let parent = order.parent.rsplit(" > ").next().unwrap_or_default();
        format!("invented {parent}: {} < {} ({} of {} broken)", order.before, order.after, order.broken, order.seen)
    });
    invented.chain(missed.map(|truth| format!("missed {}: {} < {}", truth.0, truth.1, truth.2))).collect()
}

/// The sequential calls of hotel are all data dependencies: they must be found ordered, so that nothing is offered to run
/// side by side.
fn hotel(folder: &Path) -> Result<Row, String> {
    let mut orders = SiblingOrders::new();
    for load in ["25", "75", "100"] {
        recorded(folder, &format!("hotel/load{load}"))?.iter().for_each(|trace| orders.add(trace));
    }
    let found = orders.orders();
    let chained = |before: &str, after: &str| {
        found.iter().any(|order| order.before.contains(before) && order.after.contains(after))
    };
    let chain = [
        ("search.Search", "reservation.Reservation"),
        ("reservation.Reservation", "profile.Profile"),
        ("geo.Geo", "rate.Rate"),
    ];
    let held = chain.iter().filter(|(before, after)| chained(before, after)).count();
    let claims = |finding: &Finding| {
        finding.kind == FindingKind::RepeatedCalls
            || (finding.kind == FindingKind::SequentialCalls && finding.confidence != Confidence::CannotTell)
    };
    let offered = explained(folder, "hotel/load25")?.iter().filter(|finding| claims(finding)).count();
    let figure = format!("{held} of {} dependencies found ordered, {offered} calls offered", chain.len());
    let met = held == chain.len() && offered == 0;
    Ok(row("sequential calls are not offered as independent", "hotel", "all ordered, none offered", met, figure))
}

fn explained(folder: &Path, name: &str) -> Result<Vec<Finding>, String> {
    let mut explanation = Explanation::new(ExplainOptions::default());
    recorded(folder, name)?.iter().for_each(|trace| explanation.add(trace));
    Ok(explanation.finish().findings)
}

/// The home page of online-boutique calls Convert and GetProduct again and again.
pub(crate) fn repeats(folder: &Path) -> Result<Vec<Row>, String> {
    let name = "online-boutique/normal";
    let found = explained(folder, name)?;
    let of = |operation: &str| {
        found.iter().find(|one| {
            one.kind == FindingKind::RepeatedCalls
                && one.place.to_string().ends_with(operation)
                && one.saving.is_some_and(|saving| saving.median.0 > 0)
        })
    };
    let rows = ["Convert", "GetProduct"].map(|operation| {
        let found = of(operation);
        let figure = found.map_or_else(
            || "not found".to_owned(),
            |one| {
                let saved = one.saving.map(|saving| saving.median.to_string()).unwrap_or_default();
                format!("{} in {} of {} traces, {}, saving {saved}", one.place, one.traces.0, one.traces.1, one.what)
            },
        );
        row(&format!("repeated {operation} calls, re-timed"), name, "found with a saving", found.is_some(), figure)
    });
    Ok(rows.into())
}
