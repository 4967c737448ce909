//! Whom a destination with `https://` is trusted by, and how we show who we are: PEM files.
//!
//! Without any, the operating system's trusted certificates count and we show nothing.

use std::fmt;

use tonic::transport::ClientTlsConfig;

use crate::limits::PEM_BYTES_MAX;

/// Files as a person wrote them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TlsText {
    /// A file with the certificates (PEM) to trust instead of the operating system's.
    pub certificate: Option<String>,
    /// A file with our certificate (PEM), for destinations that ask who we are.
    pub client_certificate: Option<String>,
    /// The file with its private key (PEM).
    pub client_key: Option<String>,
}

/// What was in the files.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Tls {
    roots: Option<Vec<u8>>,
    identity: Option<Identity>,
}

#[derive(Clone, PartialEq, Eq)]
struct Identity {
    certificate: Vec<u8>,
    key: Vec<u8>,
}

impl fmt::Debug for Tls {
    /// Without the key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls")
            .field("own_roots", &self.roots.is_some())
            .field("client_certificate", &self.identity.is_some())
            .finish()
    }
}

/// What is wrong: the key it stands under, the error, a hint.
type Problem = (&'static str, String, &'static str);

impl TlsText {
    /// Reads the files.
    ///
    /// # Errors
    /// All mistakes.
    pub(crate) fn read(&self) -> Result<Tls, Vec<Problem>> {
        let mut problems = Vec::new();
        let mut read = |key: &'static str, path: &Option<String>, label: &str| {
            let text = path.as_deref().map(|path| pem(path, label));
            text.transpose().unwrap_or_else(|(error, hint)| {
                problems.push((key, error, hint));
                None
            })
        };
        let roots = read("certificate", &self.certificate, "CERTIFICATE");
        let certificate = read("client_certificate", &self.client_certificate, "CERTIFICATE");
        let key = read("client_key", &self.client_key, "PRIVATE KEY");
        if self.client_certificate.is_some() != self.client_key.is_some() {
            let (there, missing) = if self.client_key.is_none() {
                ("client_certificate", "client_key")
            } else {
                ("client_key", "client_certificate")
            };
            problems.push((there, format!("there is no {missing} beside it"), "name both, or neither"));
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        let identity = certificate.zip(key).map(|(certificate, key)| Identity { certificate, key });
        Ok(Tls { roots, identity })
    }
}

/// The bytes of a PEM file, which has a section whose name ends in `label`.
fn pem(path: &str, label: &str) -> Result<Vec<u8>, (String, &'static str)> {
    let hint = "name a PEM file that this process may read";
    let length = std::fs::metadata(path).map_err(|error| (format!("cannot read {path}: {error}"), hint))?.len();
    if length > PEM_BYTES_MAX {
        return Err((format!("{path} has {length} bytes: no PEM file is as long"), hint));
    }
    let bytes = std::fs::read(path).map_err(|error| (format!("cannot read {path}: {error}"), hint))?;
    let text = String::from_utf8_lossy(&bytes);
    let has_section = text.lines().any(|line| line.starts_with("-----BEGIN ") && line.contains(label));
    if has_section { Ok(bytes) } else { Err((format!("{path} has no section BEGIN {label}"), hint)) }
}

impl Tls {
    /// Sets up a client of HTTP.
    pub(crate) fn of_http(
        &self,
        mut builder: reqwest::ClientBuilder,
    ) -> Result<reqwest::ClientBuilder, reqwest::Error> {
        if let Some(roots) = &self.roots {
            builder = builder.tls_certs_only(reqwest::Certificate::from_pem_bundle(roots)?);
        }
        if let Some(identity) = &self.identity {
            let pem = [identity.certificate.as_slice(), b"\n", &identity.key].concat();
            builder = builder.identity(reqwest::Identity::from_pem(&pem)?);
        }
        Ok(builder)
    }

    /// What a channel of gRPC needs.
    pub(crate) fn of_grpc(&self) -> ClientTlsConfig {
        let config = ClientTlsConfig::new();
        let config = match &self.roots {
            Some(roots) => config.ca_certificate(tonic::transport::Certificate::from_pem(roots)),
            None => config.with_native_roots(),
        };
        match &self.identity {
            Some(identity) => {
                config.identity(tonic::transport::Identity::from_pem(&identity.certificate, &identity.key))
            }
            None => config,
        }
    }
}
