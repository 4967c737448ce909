//! gRPC calls: JSON in, JSON out, by what `.proto` files or the server's reflection say of the service.

use std::collections::HashMap;
use std::error::Error as _;
use std::sync::{Arc, Mutex, PoisonError};

use model::Duration;
use prost::Message as _;
use prost_reflect::{DescriptorPool, DynamicMessage, MessageDescriptor};
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::metadata::{AsciiMetadataKey, AsciiMetadataValue, MetadataMap};
use tonic::transport::{Channel, ClientTlsConfig, Endpoint};
use tonic::{Code, Request, Status};

use super::{Answer, HttpClient, Send, fault_baggage, reflection};
use crate::limits::{ANSWER_BYTES_MAX, CONNECT_TIMEOUT, REFLECTION_TIMEOUT};
use crate::suite::{GRPC_CODES, GrpcTarget, Template, method_of};

/// Connections that stay open between calls, by address, and services that were learned by reflection, by address and name.
#[derive(Clone, Debug, Default)]
pub(crate) struct Connections(Arc<Mutex<Known>>);

#[derive(Debug, Default)]
struct Known {
    channels: HashMap<String, Channel>,
    pools: HashMap<(String, String), DescriptorPool>,
}

pub(super) async fn call(client: &HttpClient, target: &GrpcTarget, send: &Send<'_>) -> Result<Answer, String> {
    let render = |template: &Template| {
        template.render(send.variables).map_err(|undefined| format!("nothing sets the variable `{}`", undefined.name))
    };
    let address = render(&target.address)?;
    let json = target.request.render(send.variables);
    let json = json.map_err(|undefined| format!("nothing sets the variable `{}`", undefined.name))?;
    let channel = connect(&client.grpc, &address).await?;
    let pool = match &target.descriptors {
        Some(pool) => pool.clone(),
        None => learned(&client.grpc, &address, channel.clone(), target).await?,
    };
    let method = method_of(&pool, &target.service, &target.method)?;
    let name = method.input().full_name().to_owned();
    let message = DynamicMessage::deserialize(method.input(), json)
        .map_err(|error| format!("the request does not fit `{name}`: {error}"))?;
    let mut request = Request::new(message);
    request.set_timeout(target.timeout.to_std());
    let metadata = request.metadata_mut();
    insert(metadata, "traceparent", &send.context.traceparent())?;
    if let Some(baggage) = fault_baggage(send.faults) {
        insert(metadata, "baggage", &baggage)?;
    }
    for (name, value) in &target.metadata {
        insert(metadata, name, &render(value)?)?;
    }
    let path = format!("/{}/{}", target.service, target.method);
    let path = path.parse().map_err(|_| format!("`{path}` cannot be called"))?;
    let started = tokio::time::Instant::now();
    let work = async {
        let mut grpc = tonic::client::Grpc::new(channel).max_decoding_message_size(ANSWER_BYTES_MAX);
        grpc.ready().await.map_err(|error| Status::unavailable(error.to_string()))?;
        grpc.unary(request, path, DynamicCodec(method.output())).await
    };
    // The deadline is the caller's own: it ends the call even where the server does not heed it.
    let answer = tokio::time::timeout(target.timeout.to_std(), work).await;
    let answer =
        answer.unwrap_or_else(|_| Err(Status::deadline_exceeded(format!("no answer within {}", target.timeout))));
    let duration = Duration::from_std(started.elapsed());
    // Whoever of the two ended it first.
    let answer = answer.map_err(|status| match duration >= target.timeout {
        true => Status::deadline_exceeded(format!("no answer within {}", target.timeout)),
        false => status,
    });
    match answer {
        Ok(response) => {
            let headers = headers(response.metadata(), Code::Ok);
            let body = serde_json::to_vec(response.get_ref()).map_err(|error| error.to_string())?;
            Ok(Answer { status: 0, headers, body, duration, ..Answer::default() })
        }
        Err(status) if is_lost(&status) => {
            // The next attempt connects anew.
            lock(&client.grpc).channels.remove(&address);
            Err(format!("the call to {address} failed: {}", status.message()))
        }
        Err(status) => {
            let code = GRPC_CODES.get(status.code() as usize).copied().unwrap_or("UNKNOWN");
            let body = serde_json::json!({ "code": code, "message": status.message() });
            let headers = headers(status.metadata(), status.code());
            Ok(Answer {
                status: status.code() as i32,
                headers,
                body: body.to_string().into_bytes(),
                duration,
                ..Answer::default()
            })
        }
    }
}

/// Whether there was no answer: the connection broke, or never was.
fn is_lost(status: &Status) -> bool {
    let mut cause = status.source();
    while let Some(error) = cause {
        if error.is::<tonic::transport::Error>() {
            return true;
        }
        cause = error.source();
    }
    false
}

fn insert(metadata: &mut MetadataMap, name: &str, value: &str) -> Result<(), String> {
    let key = AsciiMetadataKey::from_bytes(name.as_bytes());
    let key = key.map_err(|_| format!("`{name}` cannot be the name of metadata"))?;
    let value: AsciiMetadataValue =
        value.parse().map_err(|_| format!("the value of `{name}` has characters no metadata may have"))?;
    metadata.append(key, value);
    Ok(())
}

/// Metadata of text as headers, with the code.
fn headers(metadata: &MetadataMap, code: Code) -> Vec<(String, String)> {
    let mut headers = vec![("grpc-status".to_owned(), (code as i32).to_string())];
    for pair in metadata.iter() {
        if let tonic::metadata::KeyAndValueRef::Ascii(name, value) = pair
            && name.as_str() != "grpc-status"
        {
            headers.push((name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()));
        }
    }
    headers
}

async fn connect(known: &Connections, address: &str) -> Result<Channel, String> {
    if let Some(channel) = lock(known).channels.get(address) {
        return Ok(channel.clone());
    }
    let url = if address.contains("://") { address.to_owned() } else { format!("http://{address}") };
    let endpoint = Endpoint::from_shared(url.clone());
    let mut endpoint = endpoint.map_err(|error| format!("`{address}` is no address of a gRPC server: {error}"))?;
    if url.starts_with("https://") {
        let tls = ClientTlsConfig::new().with_native_roots();
        endpoint = endpoint.tls_config(tls).map_err(|error| format!("cannot set up TLS to {address}: {error}"))?;
    }
    let channel = endpoint.connect_timeout(CONNECT_TIMEOUT.to_std()).connect().await.map_err(|error| {
        let cause = error.source().map_or_else(|| error.to_string(), last_cause);
        format!("cannot reach {address}: {cause}; is the system running, and is `address` right?")
    })?;
    lock(known).channels.insert(address.to_owned(), channel.clone());
    Ok(channel)
}

fn last_cause(error: &(dyn std::error::Error + 'static)) -> String {
    let mut last = error;
    while let Some(cause) = last.source() {
        last = cause;
    }
    last.to_string()
}

async fn learned(
    known: &Connections,
    address: &str,
    channel: Channel,
    target: &GrpcTarget,
) -> Result<DescriptorPool, String> {
    let key = (address.to_owned(), target.service.clone());
    if let Some(pool) = lock(known).pools.get(&key) {
        return Ok(pool.clone());
    }
    let asked = reflection::describe(channel, &target.service);
    let pool = tokio::time::timeout(REFLECTION_TIMEOUT.to_std(), asked).await;
    let pool = pool.map_err(|_| format!("{address} did not answer reflection within {REFLECTION_TIMEOUT}"))??;
    lock(known).pools.insert(key, pool.clone());
    Ok(pool)
}

fn lock(known: &Connections) -> std::sync::MutexGuard<'_, Known> {
    known.0.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Messages by their descriptors.
#[derive(Clone, Debug)]
struct DynamicCodec(MessageDescriptor);

impl Codec for DynamicCodec {
    type Encode = DynamicMessage;
    type Decode = DynamicMessage;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        self.clone()
    }

    fn decoder(&mut self) -> Self {
        self.clone()
    }
}

impl Encoder for DynamicCodec {
    type Item = DynamicMessage;
    type Error = Status;

    fn encode(&mut self, message: DynamicMessage, bytes: &mut EncodeBuf<'_>) -> Result<(), Status> {
        message.encode(bytes).map_err(|error| Status::internal(error.to_string()))
    }
}

impl Decoder for DynamicCodec {
    type Item = DynamicMessage;
    type Error = Status;

    fn decode(&mut self, bytes: &mut DecodeBuf<'_>) -> Result<Option<DynamicMessage>, Status> {
        let message = DynamicMessage::decode(self.0.clone(), bytes);
        message.map(Some).map_err(|error| Status::internal(format!("the answer cannot be read: {error}")))
    }
}
