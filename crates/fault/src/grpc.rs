//! gRPC's word for an HTTP status, as `google.rpc.Code` pairs them.

/// The gRPC status that stands for an HTTP status; `UNKNOWN` (2) where none does.
#[must_use]
pub fn grpc_status(http: u16) -> u8 {
    match http {
        200..=299 => 0,
        400 => 3,
        401 => 16,
        403 => 7,
        404 => 5,
        409 => 10,
        429 => 8,
        499 => 1,
        500 => 13,
        501 => 12,
        502 | 503 => 14,
        504 => 4,
        _ => 2,
    }
}
