//! The gRPC target, and the `.proto` files that define its service.

use prost_reflect::DescriptorPool;
use serde_json::Value as Json;

use super::fields::Reader;
use super::keys::GRPC;
use super::nearest::{listed, nearest};
use super::problem::Problem;
use super::read_target::TIMEOUT;
use super::yaml::Node;
use super::{GrpcTarget, JsonTemplate};
use crate::limits::PROTO_BYTES_MAX;

pub(super) fn grpc(reader: &mut Reader<'_>, node: &Node) -> Option<GrpcTarget> {
    reader.map(node, &[GRPC], "`target.grpc`")?;
    let address = node.get("address").and_then(|address| reader.template(address, "`address`"));
    let method = node.get("method").and_then(|method| self::method(reader, method));
    let request = match node.get("json") {
        Some(json) => reader.sent(|reader| reader.json_template(json, "`json`")),
        None => Some(JsonTemplate::Plain(Json::Object(serde_json::Map::new()))),
    };
    let mut metadata = Vec::new();
    for entry in node.get("metadata").and_then(Node::entries).unwrap_or_default() {
        let value = reader.sent(|reader| reader.template(&entry.value, "a value of metadata"));
        let Some(value) = value else { continue };
        if tonic::metadata::AsciiMetadataKey::from_bytes(entry.key.to_lowercase().as_bytes()).is_err() {
            let message = format!("`{}` cannot be the name of metadata of text", entry.key);
            reader.problem(Problem::new(entry.key_place, message));
            continue;
        }
        metadata.push((entry.key.to_lowercase(), value));
    }
    if let Some(node) = node.get("metadata").filter(|node| node.entries().is_none()) {
        reader.expected(node, "`metadata`", "a map of names and values");
    }
    let timeout = node.get("timeout").and_then(|node| reader.duration(node, "`timeout`")).unwrap_or(TIMEOUT);
    let descriptors = match node.get("proto") {
        Some(proto) => Some(descriptors(reader, proto)?),
        None => None,
    };
    let (service, method) = method?;
    if let (Some(pool), Some(place)) = (&descriptors, node.get("method")) {
        let found = method_of(pool, &service, &method).map(|_| ());
        reader.read(place, found)?;
    }
    Some(GrpcTarget { address: address?, service, method, request: request?, metadata, descriptors, timeout })
}

/// Service and method of `shop.v1.Orders/Place`.
fn method(reader: &mut Reader<'_>, node: &Node) -> Option<(String, String)> {
    let text = reader.text(node, "`method`")?;
    let parts = text.trim_start_matches('/').split_once('/');
    let parts = parts.filter(|(service, method)| !service.is_empty() && !method.is_empty() && !method.contains('/'));
    if parts.is_none() {
        let problem = Problem::new(node.place, format!("`{text}` is no method in full"));
        reader.problem(problem.hint("write service and method, such as `shop.v1.Orders/Place`"));
    }
    parts.map(|(service, method)| (service.to_owned(), method.to_owned()))
}

/// The unary method, or what there is instead.
pub(crate) fn method_of(
    pool: &DescriptorPool,
    service: &str,
    method: &str,
) -> Result<prost_reflect::MethodDescriptor, String> {
    let instead = |wanted: &str, names: &[String]| match nearest(wanted, names.iter().map(String::as_str)) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => format!("there are {}", listed(names.iter().map(String::as_str))),
    };
    let Some(found) = pool.get_service_by_name(service) else {
        let names: Vec<String> = pool.services().map(|service| service.full_name().to_owned()).collect();
        return Err(format!("there is no service `{service}`; {}", instead(service, &names)));
    };
    let Some(method_found) = found.methods().find(|descriptor| descriptor.name() == method) else {
        let names: Vec<String> = found.methods().map(|method| method.name().to_owned()).collect();
        return Err(format!("`{service}` has no method `{method}`; {}", instead(method, &names)));
    };
    if method_found.is_client_streaming() || method_found.is_server_streaming() {
        return Err(format!("`{service}/{method}` streams: only calls with one request and one answer are driven"));
    }
    Ok(method_found)
}

/// What the files define, with what they import.
fn descriptors(reader: &mut Reader<'_>, node: &Node) -> Option<DescriptorPool> {
    let mut compiler = protox::Compiler::with_file_resolver(Beside(Files::read_all(reader, node)?));
    compiler.include_imports(true);
    for item in reader.items(node) {
        let name = reader.text(item, "a file")?;
        if let Err(error) = compiler.open_file(&name) {
            let problem = Problem::new(item.place, format!("cannot read `{name}`: {error}"));
            reader.problem(problem.label("named here").hint("paths, of imports too, count from the suite's folder"));
            return None;
        }
    }
    Some(compiler.descriptor_pool())
}

/// The texts of the files and of all that they import: a resolver has to outlive the reader that finds them.
struct Files(std::collections::BTreeMap<String, String>);

impl Files {
    fn read_all(reader: &mut Reader<'_>, node: &Node) -> Option<Self> {
        let mut files = std::collections::BTreeMap::new();
        let mut open = Vec::new();
        for item in reader.items(node) {
            open.push((reader.text(item, "a file")?, item.place));
        }
        let mut bytes = 0;
        while let Some((name, place)) = open.pop() {
            // What is not there may be one of Google's own, which the compiler knows; else the compiler tells it.
            let Ok(text) = (reader.files)(&name) else { continue };
            bytes += text.len();
            if bytes > PROTO_BYTES_MAX {
                reader.problem(Problem::new(place, format!("more than {PROTO_BYTES_MAX} bytes of `.proto` files")));
                return None;
            }
            let file = protox::file::File::from_source(&name, &text);
            let imports = file.map(|file| file.file_descriptor_proto().dependency.clone()).unwrap_or_default();
            files.insert(name, text);
            open.extend(imports.into_iter().filter(|name| !files.contains_key(name)).map(|name| (name, place)));
        }
        Some(Self(files))
    }
}

struct Beside(Files);

impl protox::file::FileResolver for Beside {
    fn open_file(&self, name: &str) -> Result<protox::file::File, protox::Error> {
        match self.0.0.get(name) {
            Some(text) => protox::file::File::from_source(name, text),
            None => protox::file::GoogleFileResolver::new().open_file(name),
        }
    }
}
