//! An edge as people write it: `rag -> llm=127.0.0.1:9104=http://127.0.0.1:8004`.

use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;

use http::Uri;
use http::uri::{Authority, Scheme};

/// An edge, where its proxy listens, and who is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EdgeSpec {
    /// `caller -> callee`.
    pub edge: String,
    /// Where the caller is to call.
    pub listen: SocketAddr,
    /// Where the proxy calls; none where that is said later.
    pub callee: Option<Callee>,
}

/// The address of a callee: `http://127.0.0.1:8004`, `https://api.example.com/base`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Callee {
    pub(crate) scheme: Scheme,
    pub(crate) authority: Authority,
    /// Put before every path; empty, or with a slash at its start and none at its end.
    pub(crate) base: String,
}

/// It cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpecError {
    /// What is wrong and what to write.
    pub message: String,
}

impl fmt::Display for SpecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for SpecError {}

fn error<T>(message: String) -> Result<T, SpecError> {
    Err(SpecError { message })
}

impl FromStr for EdgeSpec {
    type Err = SpecError;

    fn from_str(text: &str) -> Result<Self, SpecError> {
        let mut parts = text.splitn(3, '=').map(str::trim);
        let (Some(edge), Some(listen), Some(callee)) = (parts.next(), parts.next(), parts.next()) else {
            return error(format!(
                "{text:?}: write NAME=LISTEN=UPSTREAM, such as `rag -> llm=127.0.0.1:9104=http://127.0.0.1:8004`"
            ));
        };
        if edge.is_empty() {
            return error(format!("{text:?}: the edge needs a name, such as `rag -> llm`"));
        }
        Ok(Self { edge: fault::tidy_edge(edge), listen: address(listen)?, callee: Some(callee.parse()?) })
    }
}

impl EdgeSpec {
    /// The address that a listening proxy is written with: `127.0.0.1:9104`, or a port alone.
    ///
    /// # Errors
    /// When it is none.
    pub fn listen_address(text: &str) -> Result<SocketAddr, SpecError> {
        address(text)
    }
}

/// A port alone is one of 127.0.0.1.
fn address(text: &str) -> Result<SocketAddr, SpecError> {
    let port = text.strip_prefix(':').unwrap_or(text);
    let full =
        if port.parse::<u16>().is_ok() { format!("127.0.0.1:{port}") } else { text.replace("localhost", "127.0.0.1") };
    match full.parse() {
        Ok(address) => Ok(address),
        Err(_) => error(format!("{text:?} is no address to listen on: write `127.0.0.1:9104`, or a port")),
    }
}

impl FromStr for Callee {
    type Err = SpecError;

    fn from_str(text: &str) -> Result<Self, SpecError> {
        let full = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
        let wrong = || SpecError { message: format!("{text:?} is no address to call: write `http://host:port`") };
        let parts = full.parse::<Uri>().map_err(|_| wrong())?.into_parts();
        let (Some(scheme), Some(authority)) = (parts.scheme, parts.authority) else { return Err(wrong()) };
        if scheme != Scheme::HTTP && scheme != Scheme::HTTPS {
            return error(format!("{text:?}: a callee is called by http or https, not {scheme}"));
        }
        let path = parts.path_and_query.map(|path| path.path().trim_end_matches('/').to_owned());
        Ok(Self { scheme, authority, base: path.unwrap_or_default() })
    }
}

impl fmt::Display for Callee {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}{}", self.scheme, self.authority, self.base)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edges_are_read_as_people_write_them() {
        let check = |text: &str, edge: &str, listen: &str, callee: &str| {
            let spec: EdgeSpec = text.parse().expect(text);
            assert_eq!((spec.edge.as_str(), spec.listen.to_string().as_str()), (edge, listen));
            assert_eq!(spec.callee.map(|callee| callee.to_string()).as_deref(), Some(callee));
        };
        check("rag->llm=9104=127.0.0.1:8004", "rag -> llm", "127.0.0.1:9104", "http://127.0.0.1:8004");
        check(
            "* -> llm=localhost:0=https://api.example.com/base/",
            "* -> llm",
            "127.0.0.1:0",
            "https://api.example.com/base",
        );
        check("a -> b=[::1]:9=http://b:1/x?y=z", "a -> b", "[::1]:9", "http://b:1/x");
        for wrong in
            ["", "a", "a=b", "a -> b=there=http://b", "=9104=http://b", "a -> b=9104=ftp://b", "a -> b=9104=http://"]
        {
            assert!(wrong.parse::<EdgeSpec>().is_err(), "{wrong:?}");
        }
    }
}
