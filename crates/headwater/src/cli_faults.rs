//! The command line of faults on calls: standing proxies, sweeps.

use std::path::PathBuf;

use clap::Args;

/// Stand on calls between services and let faults happen there; any system will do.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  headwater proxy --edge 'rag -> llm=127.0.0.1:9104=http://127.0.0.1:8004'
      start rag with LLM_URL=http://127.0.0.1:9104; `headwater eval --via http://127.0.0.1:4320` does the rest
  headwater proxy --edge '* -> llm=9104=https://api.openai.com' --fault '* -> llm: status=429 share=10%'
  headwater proxy --suite headwater.yaml               the `proxies` of a suite
  curl -H 'content-type: application/json' http://127.0.0.1:4320/v1/faults \\
      -d '{\"traceId\": \"5b8a…\", \"rules\": [\"rag -> llm: delay=2s\"]}'
  curl http://127.0.0.1:4320/v1/edges

A rule is EDGE: KEY=VALUE …, with delay=500ms, jitter=100ms, bandwidth=2KB, status=503 (body=\"…\", grpc_status=14), drop=request|answer|BYTES,
truncate=BYTES, strip=traceparent,baggage; for all requests, or share=20%, times=2, attempt=2. Ctrl-C ends it and prints
what happened. HTTP/1.1 and HTTP/2 without TLS to the caller (gRPC too), also with TLS to the callee.")]
pub struct ProxyArgs {
    /// A call, where the caller is to call, and where the callee is; may be given several times.
    #[arg(long, value_name = "NAME=LISTEN=UPSTREAM")]
    pub edge: Vec<String>,
    /// The `proxies` of this suite.
    #[arg(long, value_name = "FILE")]
    pub suite: Option<PathBuf>,
    /// A fault for every request of a call, until the end; may be given several times.
    #[arg(long, value_name = "RULE")]
    pub fault: Vec<String>,
    /// Where a runner puts faults in by trace id; of this machine only.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:4320")]
    pub control: String,
    /// Seed of shares and jitter.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub seed: u64,
    /// Print what happened as JSON at the end.
    #[arg(long)]
    pub json: bool,
}

/// A sweep instead of a run.
#[derive(Args, Debug, Clone)]
pub struct SweepArgs {
    /// Instead of judging: run each scenario (whose name contains this) without a fault, then with every fault on every call
    /// that has a proxy, and tell how far each reaches. `--output json FILE` and `--output markdown FILE` write it.
    #[arg(long, value_name = "TEXT", num_args = 0..=1, default_missing_value = "")]
    pub sweep: Option<String>,
    /// How long a sweep delays.
    #[arg(long, value_name = "TIME", default_value = "1500ms", requires = "sweep")]
    pub sweep_delay: String,
}
