//! `headwater doctor`: is the receiver there, do spans come, and where is the context lost.

use std::io::Write as _;

use wire::Severity;

use crate::access::{Access, refused};
use crate::cli_explain::DoctorArgs;
use crate::exit::{ExitCode, Failure};
use crate::explaining::doctor;
use crate::selecting::{Told, check, print, selection};
use crate::terminal::Terminal;

/// Something is broken.
const BROKEN: ExitCode = ExitCode(1);
/// Nothing arrived that could be looked at.
const NOTHING_ARRIVED: ExitCode = ExitCode(3);

pub async fn run(args: &DoctorArgs) -> Result<ExitCode, Failure> {
    let timeout = check(args.selection.query.as_deref(), args.selection.since.as_deref(), &args.analysis.timeout)?;
    let access = Access::at(&args.analysis.at).await?;
    access
        .with(async |access| {
            let terminal = Terminal::of_stdout();
            if !args.analysis.json {
                let info = access.client.info().await.map_err(refused)?;
                let status = access.client.status().await.map_err(refused)?;
                let out = match access.is_own() {
                    true => doctor::no_server(&status, terminal),
                    false => doctor::server(access.client.address(), &info, &status, terminal),
                };
                let _ = std::io::stdout().write_all(out.trim_start().as_bytes());
            }
            let selection = selection(&args.selection, access).await?;
            let mut told = Told::new();
            let diagnosis = access.client.doctor(&selection, timeout, |progress| told.tell(progress)).await;
            drop(told);
            let diagnosis = diagnosis.map_err(refused)?;
            let json = args.analysis.json.then(|| serde_json::to_string_pretty(&diagnosis));
            print(json, || doctor::text(&diagnosis, terminal))?;
            let broken = diagnosis.ailments.iter().any(|ailment| ailment.severity == Severity::Broken);
            Ok(match (diagnosis.looked_at.trace_count, broken) {
                (0, _) => NOTHING_ARRIVED,
                (_, true) => BROKEN,
                (_, false) => ExitCode::OK,
            })
        })
        .await
}
