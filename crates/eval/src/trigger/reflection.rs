//! What a gRPC server tells of its services: server reflection, `v1` or the older `v1alpha`.

use std::collections::BTreeMap;

use prost::Message as _;
use prost_reflect::DescriptorPool;
use prost_reflect::prost_types::FileDescriptorProto;
use tonic::transport::Channel;
use tonic::{Code, Status};

use crate::limits::REFLECTED_FILES_MAX;
use crate::suite::{listed, nearest};

/// What is asked.
enum Ask<'a> {
    FileWithSymbol(&'a str),
    File(&'a str),
    Services,
}

/// What is answered.
enum Told {
    Files(Vec<Vec<u8>>),
    Services(Vec<String>),
    Refused(i32, String),
}

/// One version of the protocol; their messages differ in nothing but their package.
macro_rules! version {
    ($name:ident, $package:ident) => {
        async fn $name(channel: Channel, ask: &Ask<'_>) -> Result<Told, Status> {
            use tonic_reflection::pb::$package::server_reflection_client::ServerReflectionClient;
            use tonic_reflection::pb::$package::server_reflection_request::MessageRequest;
            use tonic_reflection::pb::$package::server_reflection_response::MessageResponse;
            let asked = match ask {
                Ask::FileWithSymbol(name) => MessageRequest::FileContainingSymbol((*name).to_owned()),
                Ask::File(name) => MessageRequest::FileByFilename((*name).to_owned()),
                Ask::Services => MessageRequest::ListServices(String::new()),
            };
            let request = tonic_reflection::pb::$package::ServerReflectionRequest {
                host: String::new(),
                message_request: Some(asked),
            };
            let requests = futures_util::stream::iter([request]);
            let mut client = ServerReflectionClient::new(channel);
            let mut answers = client.server_reflection_info(requests).await?.into_inner();
            let answer = answers.message().await?.and_then(|answer| answer.message_response);
            match answer {
                Some(MessageResponse::FileDescriptorResponse(files)) => Ok(Told::Files(files.file_descriptor_proto)),
                Some(MessageResponse::ListServicesResponse(services)) => {
                    Ok(Told::Services(services.service.into_iter().map(|service| service.name).collect()))
                }
                Some(MessageResponse::ErrorResponse(error)) => Ok(Told::Refused(error.error_code, error.error_message)),
                _ => Err(Status::internal("reflection answered something else than was asked")),
            }
        }
    };
}

version!(ask_v1, v1);
version!(ask_v1alpha, v1alpha);

async fn ask(channel: &Channel, asked: Ask<'_>) -> Result<Told, String> {
    let answer = match ask_v1(channel.clone(), &asked).await {
        Err(status) if status.code() == Code::Unimplemented => ask_v1alpha(channel.clone(), &asked).await,
        answer => answer,
    };
    if let Err(status) = &answer
        && status.code() == Code::NotFound
    {
        // Some servers refuse the call, others answer it with an error.
        return Ok(Told::Refused(Code::NotFound as i32, status.message().to_owned()));
    }
    answer.map_err(|status| match status.code() {
        Code::Unimplemented => "the server has no reflection; name its `.proto` files under `proto`".to_owned(),
        _ => format!("reflection failed: {}", status.message()),
    })
}

/// The file that defines `service`, with all that it imports.
pub(super) async fn describe(channel: Channel, service: &str) -> Result<DescriptorPool, String> {
    let files = match ask(&channel, Ask::FileWithSymbol(service)).await? {
        Told::Files(files) => files,
        Told::Refused(code, message) => return Err(not_there(&channel, service, code, &message).await),
        Told::Services(_) => return Err("reflection answered something else than was asked".to_owned()),
    };
    let mut known: BTreeMap<String, FileDescriptorProto> = BTreeMap::new();
    let mut unread = files;
    loop {
        for bytes in unread.drain(..) {
            let file = FileDescriptorProto::decode(bytes.as_slice());
            let file = file.map_err(|error| format!("reflection told a file that cannot be read: {error}"))?;
            known.insert(file.name().to_owned(), file);
        }
        let missing = known.values().flat_map(|file| &file.dependency).find(|name| !known.contains_key(*name)).cloned();
        let Some(missing) = missing else { break };
        if known.len() >= REFLECTED_FILES_MAX {
            return Err(format!("`{service}` needs more than {REFLECTED_FILES_MAX} files"));
        }
        match ask(&channel, Ask::File(&missing)).await? {
            Told::Files(files) if !files.is_empty() => unread = files,
            _ => return Err(format!("reflection does not tell `{missing}`, which `{service}` needs")),
        }
        if !unread
            .iter()
            .any(|bytes| FileDescriptorProto::decode(bytes.as_slice()).is_ok_and(|file| file.name() == missing))
        {
            return Err(format!("reflection does not tell `{missing}`, which `{service}` needs"));
        }
    }
    let mut pool = DescriptorPool::new();
    pool.add_file_descriptor_protos(known.into_values())
        .map_err(|error| format!("what reflection tells of `{service}` does not fit together: {error}"))?;
    Ok(pool)
}

/// The message that names what there is instead.
async fn not_there(channel: &Channel, service: &str, code: i32, message: &str) -> String {
    if code != Code::NotFound as i32 {
        return format!("reflection does not tell of `{service}`: {message}");
    }
    let there = match ask(channel, Ask::Services).await {
        Ok(Told::Services(services)) => services,
        _ => Vec::new(),
    };
    let mut there: Vec<&str> =
        there.iter().map(String::as_str).filter(|name| !name.starts_with("grpc.reflection.")).collect();
    there.sort_unstable();
    match nearest(service, there.iter().copied()) {
        _ if there.is_empty() => format!("the server has no service `{service}`, and reflection names no other"),
        Some(meant) => format!("the server has no service `{service}`; did you mean `{meant}`?"),
        None => format!("the server has no service `{service}`; reflection offers {}", listed(there)),
    }
}
