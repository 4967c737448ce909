//! Proxies, and the faults that they let happen.

use fault::{Drop, Fault, InjectedAnswer, Rule};

use super::fields::Reader;
use super::keys::{INJECTION, PROXY};
use super::problem::Problem;
use super::units;
use super::yaml::Node;
use super::{Injection, ProxySpec};

pub(super) fn proxies(reader: &mut Reader<'_>, node: &Node) -> Vec<ProxySpec> {
    let mut proxies: Vec<ProxySpec> = Vec::new();
    for item in reader.list(node, "`proxies`") {
        if reader.map(item, &[PROXY], "a proxy").is_none() {
            continue;
        }
        let edge = item.get("edge").and_then(|edge| reader.edge(edge, "`edge`")).map(|edge| edge.to_string());
        let listen = item.get("listen").and_then(|listen| reader.text(listen, "`listen`"));
        let upstream = item.get("upstream").and_then(|upstream| self::upstream(reader, upstream));
        let variable = item.get("variable").and_then(|variable| reader.text(variable, "`variable`"));
        let (Some(edge), Some(listen), Some(upstream)) = (edge, listen, upstream) else { continue };
        let edge = fault::tidy_edge(&edge);
        if proxies.iter().any(|other| other.edge == edge) {
            reader.problem(Problem::new(item.place, format!("a second proxy stands on `{edge}`")));
        }
        proxies.push(ProxySpec { edge, listen, upstream, variable });
    }
    proxies
}

fn upstream(reader: &mut Reader<'_>, node: &Node) -> Option<String> {
    let text = reader.text(node, "`upstream`")?;
    let url = match reqwest::Url::parse(&text) {
        Ok(url) if matches!(url.scheme(), "http" | "https") && url.has_host() => Ok(text),
        _ => Err(format!("`{text}` is not an address to call; write `http://host:port`")),
    };
    reader.read(node, url)
}

pub(super) fn injections(reader: &mut Reader<'_>, node: &Node) -> Vec<Injection> {
    let items = reader.items(node);
    items.into_iter().filter_map(|item| injection(reader, item)).collect()
}

fn injection(reader: &mut Reader<'_>, node: &Node) -> Option<Injection> {
    reader.map(node, &[INJECTION], "a fault")?;
    let before = reader.problems.len();
    let edge = node.get("edge").and_then(|edge| reader.edge(edge, "`edge`"));
    let share = node.get("share").and_then(|share| {
        let text = reader.text(share, "`share`")?;
        reader.read(share, units::share(&text))
    });
    let fault = fault(reader, node);
    let mut count = |key: &str| {
        let node = node.get(key)?;
        reader.count(node, &format!("`{key}`"), 1, u32::MAX)
    };
    let (times, attempt) = (count("times"), count("attempt"));
    let may_miss = node.get("may_miss").and_then(|node| reader.bool(node, "`may_miss`")).unwrap_or(false);
    let rule = Rule { share, times, attempt, ..Rule::always(&edge?.to_string(), fault) };
    // What could not be read was told; that it then does nothing need not be.
    if reader.problems.len() == before {
        for mistake in rule.mistakes() {
            reader.problem(Problem::new(node.place, mistake));
        }
    }
    Some(Injection { rule, may_miss, place: node.place })
}

fn fault(reader: &mut Reader<'_>, node: &Node) -> Fault {
    let mut time = |key: &str| {
        let node = node.get(key)?;
        reader.duration(node, &format!("`{key}`"))
    };
    let (delay, jitter) = (time("delay"), time("jitter"));
    let bandwidth = node.get("bandwidth").and_then(|node| {
        let text = reader.text(node, "`bandwidth`")?;
        reader.read(node, fault::bandwidth(&text))
    });
    let truncate = node.get("truncate").and_then(|node| reader.count(node, "`truncate`", 0, u32::MAX));
    Fault {
        delay,
        jitter,
        bandwidth,
        answer: answer(reader, node),
        drop: node.get("drop").and_then(|node| drop_at(reader, node)),
        truncate: truncate.map(u64::from),
        strip: node.get("strip").map_or_else(Vec::new, |node| strip(reader, node)),
    }
}

fn answer(reader: &mut Reader<'_>, node: &Node) -> Option<InjectedAnswer> {
    let status = node.get("status").and_then(|status| reader.count(status, "`status`", 200, 599));
    let body = node.get("body").and_then(|body| {
        if body.scalar().is_some() {
            reader.text(body, "`body`")
        } else {
            Some(reader.json(body, "`body`")?.to_string())
        }
    });
    let grpc_status = node.get("grpc_status").and_then(|status| reader.count(status, "`grpc_status`", 0, 16));
    if node.get("status").is_none() {
        for there in ["body", "grpc_status"].into_iter().filter_map(|key| node.get(key)) {
            let problem = Problem::new(there.place, "this belongs to an answer that is injected");
            reader.problem(problem.hint("say its `status` too"));
        }
    }
    Some(InjectedAnswer {
        status: u16::try_from(status?).unwrap_or_default(),
        body,
        grpc_status: grpc_status.and_then(|status| u8::try_from(status).ok()),
    })
}

fn drop_at(reader: &mut Reader<'_>, node: &Node) -> Option<Drop> {
    let text = reader.text(node, "`drop`")?;
    let place = match text.as_str() {
        "request" => Ok(Drop::Request),
        "answer" => Ok(Drop::Answer),
        bytes => bytes.parse().map(Drop::After).map_err(|_| {
            format!("`{text}` is no place to drop at; write `request`, `answer`, or a number of the answer's bytes")
        }),
    };
    reader.read(node, place)
}

fn strip(reader: &mut Reader<'_>, node: &Node) -> Vec<String> {
    let mut names = Vec::new();
    for item in reader.items(node) {
        let Some(text) = reader.text(item, "a header") else { continue };
        match http::HeaderName::try_from(text.trim()) {
            Ok(name) => names.push(name.to_string()),
            Err(_) => reader.problem(Problem::new(item.place, format!("`{text}` cannot be the name of a header"))),
        }
    }
    names
}
