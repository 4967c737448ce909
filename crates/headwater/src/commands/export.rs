//! `headwater export`: traces as OTLP.

use std::io::Write;

use client::TraceQuery;
use model::Batch;

use crate::access::Access;
use crate::amounts;
use crate::cli::{ExportArgs, ExportFormat};
use crate::exit::{ExitCode, Failure};

pub async fn run(args: &ExportArgs) -> Result<ExitCode, Failure> {
    if let Some(since) = &args.since {
        amounts::age(since).map_err(|problem| Failure::usage(format!("--since: {problem}")))?;
    }
    if !args.ids.is_empty() && (args.query.is_some() || args.since.is_some()) {
        return Err(Failure::usage("give ids of traces, or --query and --since, not both"));
    }
    let access = Access::at(&args.at).await?;
    access.with(async |access| export(args, access).await).await
}

async fn export(args: &ExportArgs, access: &Access) -> Result<ExitCode, Failure> {
    let mut out = Output::open(args)?;
    if args.ids.is_empty() {
        let query = TraceQuery { query: args.query.clone(), since: args.since.clone(), ..TraceQuery::default() };
        let mut ids = Vec::new();
        access
            .each(&query, async |row| {
                ids.push(row.trace_id.clone());
                Ok(())
            })
            .await?;
        for id in ids {
            // A trace that retention dropped in between is simply not there any more.
            if let Some(trace) = access.client.trace(access.id(&id).await?).await.map_err(crate::access::refused)? {
                out.take(trace)?;
            }
        }
    } else {
        for id in &args.ids {
            out.take(access.trace(access.id(id).await?).await?)?;
        }
    }
    out.finish()?;
    Ok(ExitCode::OK)
}

struct Output {
    format: ExportFormat,
    writer: Box<dyn Write>,
    name: String,
    /// What JSON and protobuf collect: they are one document.
    collected: Batch,
    traces: u64,
}

impl Output {
    fn open(args: &ExportArgs) -> Result<Self, Failure> {
        let (writer, name): (Box<dyn Write>, String) = match &args.output {
            Some(path) => {
                let file = std::fs::File::create(path);
                let file =
                    file.map_err(|error| Failure::infrastructure(format!("cannot write {}: {error}", path.display())))?;
                (Box::new(std::io::BufWriter::new(file)), path.display().to_string())
            }
            None => (Box::new(std::io::BufWriter::new(std::io::stdout())), "standard output".to_owned()),
        };
        Ok(Self { format: args.format, writer, name, collected: Batch::default(), traces: 0 })
    }

    fn take(&mut self, trace: model::Trace) -> Result<(), Failure> {
        self.traces += 1;
        if self.format == ExportFormat::Jsonl {
            let line = otlp::encode_json(trace.spans(), trace.logs()) + "\n";
            return self.write(line.as_bytes());
        }
        let (mut spans, mut logs) = trace.into_parts();
        self.collected.spans.append(&mut spans);
        self.collected.logs.append(&mut logs);
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.writer
            .write_all(bytes)
            .map_err(|error| Failure::infrastructure(format!("cannot write {}: {error}", self.name)))
    }

    fn finish(mut self) -> Result<(), Failure> {
        let collected = std::mem::take(&mut self.collected);
        match self.format {
            ExportFormat::Jsonl => {}
            ExportFormat::Json => {
                self.write((otlp::encode_json(&collected.spans, &collected.logs) + "\n").as_bytes())?
            }
            ExportFormat::Protobuf => {
                self.write(&otlp::encode_traces_protobuf(&collected.spans))?;
                if !collected.logs.is_empty() {
                    eprintln!(
                        "headwater: {} log records are left out: a protobuf file holds traces only (use json or jsonl)",
                        collected.logs.len()
                    );
                }
            }
        }
        self.writer.flush().map_err(|error| Failure::infrastructure(format!("cannot write {}: {error}", self.name)))?;
        eprintln!("{} traces exported", self.traces);
        Ok(())
    }
}
