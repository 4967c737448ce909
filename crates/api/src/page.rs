//! The embedded page: `index.html` for every path that a browser asks for as HTML, immutable assets beside it.

use http::header::{ACCEPT, ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, IF_NONE_MATCH, VARY};
use http::{HeaderMap, HeaderValue, Response, StatusCode};

use axum::body::Body;
use sha2::{Digest, Sha256};

/// One file of the page.
struct Embedded {
    name: &'static str,
    bytes: &'static [u8],
    gzip: &'static [u8],
}

const FILES: &[Embedded] = include!(concat!(env!("OUT_DIR"), "/page.rs"));

/// What is answered when this binary was built without the page.
const WITHOUT_PAGE: &str = "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>Headwater</title></head>\
<body><h1>Headwater</h1><p>This binary was built without its page: ui/dist was empty. \
Run <code>cargo xtask ui</code> and build again. The data is at <code>/api/v1/</code>.</p></body></html>";

/// The template of a report: built with the page, served by nobody.
const REPORT: &str = "report.html";

/// The template of reports; none when this binary was built without the page.
#[must_use]
pub fn report_template() -> Option<&'static str> {
    let file = FILES.iter().find(|file| file.name == REPORT)?;
    std::str::from_utf8(file.bytes).ok()
}

/// The page, ready to be answered.
#[derive(Debug)]
pub struct Page {
    /// `index.html` with its base path filled in.
    index: Vec<u8>,
    build: String,
}

impl Page {
    /// The page below `base_path`, which begins and ends with `/`.
    #[must_use]
    pub fn new(base_path: &str) -> Self {
        let index = FILES.iter().find(|file| file.name == "index.html");
        let text = index.and_then(|file| std::str::from_utf8(file.bytes).ok()).unwrap_or(WITHOUT_PAGE);
        let base = base_path.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;");
        let text = text.replacen("<base href=\"/\"", &format!("<base href=\"{base}\""), 1);
        Self { build: build_of(&text).to_owned(), index: text.into_bytes() }
    }

    /// The build's id, as `<meta name="headwater-ui-build">` says it; empty without a page.
    #[must_use]
    pub fn build(&self) -> &str {
        &self.build
    }

    /// Answers a path that is none of the API's; none where nothing stands and the asker did not want HTML.
    #[must_use]
    pub fn answer(&self, path: &str, headers: &HeaderMap) -> Option<Response<Body>> {
        let name = path.trim_start_matches('/');
        match FILES.iter().find(|file| file.name == name && name != "index.html" && name != REPORT) {
            Some(file) => Some(file.answer(headers)),
            None if wants_html(headers) => Some(self.index(headers)),
            None => None,
        }
    }

    fn index(&self, headers: &HeaderMap) -> Response<Body> {
        let tag = tag_of(&self.index);
        if matches_tag(headers, &tag) {
            return not_modified(&tag);
        }
        let mut response = Response::new(Body::from(self.index.clone()));
        let answer = response.headers_mut();
        answer.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
        answer.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        insert_tag(answer, &tag);
        response
    }
}

impl Embedded {
    fn answer(&self, headers: &HeaderMap) -> Response<Body> {
        let tag = tag_of(self.bytes);
        if matches_tag(headers, &tag) {
            return not_modified(&tag);
        }
        let zipped = accepts_gzip(headers) && self.gzip.len() < self.bytes.len();
        let mut response = Response::new(Body::from(if zipped { self.gzip } else { self.bytes }));
        let answer = response.headers_mut();
        answer.insert(CONTENT_TYPE, HeaderValue::from_static(media_type(self.name)));
        // Names below assets/ carry a hash of the content; the few others (the icon) may change with an upgrade.
        let cache = if self.name.starts_with("assets/") { "public, max-age=31536000, immutable" } else { "no-cache" };
        answer.insert(CACHE_CONTROL, HeaderValue::from_static(cache));
        answer.insert(VARY, HeaderValue::from_static("accept-encoding"));
        if zipped {
            answer.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        insert_tag(answer, &tag);
        response
    }
}

/// Whether the answer may come gzipped.
#[must_use]
pub fn accepts_gzip(headers: &HeaderMap) -> bool {
    let offers = headers.get_all(ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    offers.flat_map(|value| value.split(',')).any(|offer| {
        let (coding, weight) = offer.split_once(';').unwrap_or((offer, ""));
        let refused = weight.trim().strip_prefix("q=").and_then(|q| q.parse::<f32>().ok()) == Some(0.0);
        matches!(coding.trim(), "gzip" | "*") && !refused
    })
}

/// An entity tag of `bytes`.
#[must_use]
pub fn tag_of(bytes: &[u8]) -> String {
    let hash = Sha256::digest(bytes);
    let hex: String = hash.iter().take(12).map(|byte| format!("{byte:02x}")).collect();
    format!("\"{hex}\"")
}

/// Whether the asker has what `tag` names already.
#[must_use]
pub fn matches_tag(headers: &HeaderMap, tag: &str) -> bool {
    let known = headers.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    known.flat_map(|value| value.split(',')).any(|known| known.trim().trim_start_matches("W/") == tag)
}

/// 304 for `tag`.
#[must_use]
pub fn not_modified(tag: &str) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NOT_MODIFIED;
    insert_tag(response.headers_mut(), tag);
    response
}

/// Sets the entity tag.
pub fn insert_tag(headers: &mut HeaderMap, tag: &str) {
    if let Ok(value) = HeaderValue::from_str(tag) {
        headers.insert(ETAG, value);
    }
}

fn wants_html(headers: &HeaderMap) -> bool {
    headers.get(ACCEPT).and_then(|value| value.to_str().ok()).is_some_and(|accept| accept.contains("text/html"))
}

fn build_of(index: &str) -> &str {
    let content = index.split_once("name=\"headwater-ui-build\" content=\"").map(|(_, rest)| rest);
    content.and_then(|rest| rest.split('"').next()).unwrap_or_default()
}

fn media_type(name: &str) -> &'static str {
    match name.rsplit('.').next().unwrap_or_default() {
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "html" => "text/html; charset=utf-8",
        "svg" => "image/svg+xml",
        "json" | "map" => "application/json",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "txt" => "text/plain; charset=utf-8",
        "webmanifest" => "application/manifest+json",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(accept: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static(accept))])
    }

    #[test]
    fn only_those_who_ask_for_html_get_the_page() {
        let page = Page::new("/traces-here/");
        assert!(page.answer("/trace/0af7", &headers("text/html,*/*")).is_some());
        assert!(page.answer("/assets/old-chunk.js", &headers("*/*")).is_none());
        assert!(page.answer("/../Cargo.toml", &headers("*/*")).is_none());
    }

    #[test]
    fn every_embedded_file_is_answered_whole() {
        let page = Page::new("/");
        for file in FILES.iter().filter(|file| file.name != REPORT).filter(|file| file.name != "index.html") {
            let answer = page.answer(&format!("/{}", file.name), &HeaderMap::new()).expect("there");
            assert_eq!(answer.status(), StatusCode::OK, "{}", file.name);
            assert_ne!(answer.headers()[CONTENT_TYPE], "application/octet-stream", "{}", file.name);
            let hashed = file.name.starts_with("assets/");
            assert_eq!(answer.headers()[CACHE_CONTROL].to_str().expect("text").contains("immutable"), hashed);
        }
        assert_eq!(page.build().is_empty(), FILES.is_empty());
    }

    #[test]
    fn gzip_is_taken_only_where_it_is_offered() {
        let offered = |value| accepts_gzip(&HeaderMap::from_iter([(ACCEPT_ENCODING, HeaderValue::from_static(value))]));
        assert!(offered("br, gzip;q=0.5"));
        assert!(!offered("gzip;q=0, br"));
        assert!(!offered("br"));
        assert!(!accepts_gzip(&HeaderMap::new()));
    }
}
