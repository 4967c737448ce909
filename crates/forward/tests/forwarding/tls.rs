//! Destinations with TLS: trusted by a certificate of their own, asked who we are, refused where neither fits.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::fake_destination::{FakeDestination, Reply};
use forward::{
    Compression, DestinationStatus, DestinationText, Encoding, Forwarder, ForwarderParts, Pauses, ReceivedBody, Signal,
    TlsText,
};
use journal::FaultyDisk;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use stdx::{SeededRandom, SystemClock};

/// An authority, and files that it made: `ca.pem`, `client.pem`, `client.key`.
struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    folder: tempfile::TempDir,
}

impl Authority {
    fn new() -> Self {
        // A second installation is refused, which is fine: tests share the process.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key")).expect("an authority");
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("ca.pem"), issuer.pem()).expect("written");
        let authority = Self { issuer, folder };
        let (certificate, key) = authority.signed("headwater");
        std::fs::write(authority.file("client.pem"), certificate).expect("written");
        std::fs::write(authority.file("client.key"), key).expect("written");
        authority
    }

    fn file(&self, name: &str) -> String {
        Path::join(self.folder.path(), name).to_string_lossy().into_owned()
    }

    /// A certificate for `name` and its key, both PEM.
    fn signed(&self, name: &str) -> (String, String) {
        let key = KeyPair::generate().expect("a key");
        let params = CertificateParams::new(vec![name.to_owned()]).expect("a name");
        (params.signed_by(&key, &self.issuer).expect("signed").pem(), key.serialize_pem())
    }

    /// What serves as `localhost`; with `asks`, only whoever this authority signed.
    fn acceptor(&self, asks: bool) -> tokio_rustls::TlsAcceptor {
        let (certificate, key) = self.signed("localhost");
        let chain = vec![CertificateDer::from_pem_slice(certificate.as_bytes()).expect("a certificate")];
        let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).expect("a key");
        let builder = rustls::ServerConfig::builder();
        let builder = if asks {
            let mut roots = rustls::RootCertStore::empty();
            roots.add(self.issuer.der().clone()).expect("a root");
            builder
                .with_client_cert_verifier(WebPkiClientVerifier::builder(Arc::new(roots)).build().expect("a verifier"))
        } else {
            builder.with_no_client_auth()
        };
        let mut config = builder.with_single_cert(chain, key).expect("a configuration");
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        tokio_rustls::TlsAcceptor::from(Arc::new(config))
    }
}

/// Sends one body and answers what became of it once it was delivered or failed.
async fn sent(destination: &FakeDestination, protocol: &str, tls: TlsText) -> DestinationStatus {
    let text = DestinationText {
        name: "d".into(),
        endpoint: format!("https://localhost:{}", destination.address.port()),
        protocol: Some(protocol.into()),
        tls,
        ..DestinationText::default()
    };
    let forwarder = Forwarder::start(ForwarderParts {
        destinations: vec![text.check().expect("valid")],
        listening: Vec::new(),
        folder: "/forward".into(),
        disk: Arc::new(FaultyDisk::new()),
        pauses: Pauses { first: Duration::from_millis(10), max: Duration::from_millis(50) },
        clock: Arc::new(SystemClock::new()),
        random: Arc::new(SeededRandom::new(7)),
    })
    .expect("starts");
    let span = model::Span::new(model::TraceId([1; 16]), model::SpanId([2; 8]), "x");
    forwarder.offer(&ReceivedBody {
        signal: Signal::Traces,
        encoding: Encoding::Protobuf,
        compression: Compression::None,
        items: 1,
        bytes: otlp::encode_traces_protobuf(&[span]).into(),
    });
    let settled = async {
        loop {
            let status = forwarder.status().remove(0);
            if status.counts.delivered_requests + status.counts.retried > 0 {
                return status;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), settled).await.expect("delivered or failed")
}

fn ok(protocol: &str) -> Reply {
    if protocol == "grpc" { Reply::grpc(0, b"") } else { Reply::status(200) }
}

#[tokio::test]
async fn a_certificate_of_our_own_is_trusted() {
    let authority = Authority::new();
    for protocol in ["http/protobuf", "grpc"] {
        let destination = FakeDestination::start_tls(authority.acceptor(false), move |_, _| Some(ok(protocol))).await;
        let tls = TlsText { certificate: Some(authority.file("ca.pem")), ..TlsText::default() };
        let status = sent(&destination, protocol, tls).await;
        assert_eq!((status.counts.delivered_requests, destination.got().len()), (1, 1), "{protocol}: {status:?}");
    }
}

#[tokio::test]
async fn a_destination_that_asks_who_we_are_is_told() {
    let authority = Authority::new();
    for protocol in ["http/protobuf", "grpc"] {
        let destination = FakeDestination::start_tls(authority.acceptor(true), move |_, _| Some(ok(protocol))).await;
        let tls = TlsText {
            certificate: Some(authority.file("ca.pem")),
            client_certificate: Some(authority.file("client.pem")),
            client_key: Some(authority.file("client.key")),
        };
        let status = sent(&destination, protocol, tls).await;
        assert_eq!((status.counts.delivered_requests, destination.got().len()), (1, 1), "{protocol}: {status:?}");
    }
}

#[tokio::test]
async fn a_stranger_gets_nothing_and_the_reason_is_told() {
    let authority = Authority::new();
    for protocol in ["http/protobuf", "grpc"] {
        let destination = FakeDestination::start_tls(authority.acceptor(false), move |_, _| Some(ok(protocol))).await;
        let status = sent(&destination, protocol, TlsText::default()).await;
        assert_eq!((status.counts.delivered_requests, destination.got().len()), (0, 0), "{protocol}: {status:?}");
        let told = format!("{status:?}");
        assert!(told.contains("certificate") || told.contains("UnknownIssuer"), "{protocol}: {told}");
    }
}
