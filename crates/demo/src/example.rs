//! What `headwater init` writes: a suite, a README, example services. The files lie in `examples/` and are part of the binary.

/// Each file with its path in the project.
#[must_use]
pub fn init_files() -> &'static [(&'static str, &'static str)] {
    &[
        ("headwater.yaml", include_str!("../../../examples/distributed-tracing/headwater.yaml")),
        ("README.md", include_str!("../../../examples/distributed-tracing/README.md")),
        (
            "services/rust/Cargo.toml",
            include_str!("../../../examples/distributed-tracing/services/rust/Cargo.toml.txt"),
        ),
        ("services/rust/src/main.rs", include_str!("../../../examples/distributed-tracing/services/rust/src/main.rs")),
        (
            "services/python/requirements.txt",
            include_str!("../../../examples/distributed-tracing/services/python/requirements.txt"),
        ),
        (
            "services/python/service.py",
            include_str!("../../../examples/distributed-tracing/services/python/service.py"),
        ),
        (
            "services/node/package.json",
            include_str!("../../../examples/distributed-tracing/services/node/package.json"),
        ),
        ("services/node/service.js", include_str!("../../../examples/distributed-tracing/services/node/service.js")),
    ]
}
