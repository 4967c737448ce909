//! Prints what is found in a recorded file: `cargo run --release -p validate --example findings -- FILE.otlp.jsonl.zst`.
#![expect(clippy::print_stdout, reason = "an example that prints")]

fn main() -> Result<(), String> {
    for file in std::env::args().skip(1) {
        let explained = validate::explain(std::path::Path::new(&file))?;
        println!("# {file}: {} traces, {} spans", explained.traces, explained.spans);
        for one in &explained.findings {
            println!(
                "{:.4} {} [{}] {} {}/{}",
                one.impact,
                one.kind.name(),
                one.confidence.name(),
                one.title,
                one.traces.0,
                one.traces.1
            );
            println!(
                "    {}\n    {} ({})\n    cost {} saving {:?}",
                one.place,
                one.what,
                one.reason,
                one.cost,
                one.saving.map(|s| (s.median.to_string(), s.most.to_string()))
            );
        }
        println!("cannot tell: {:?}; left out: {:?}", explained.cannot_tell, explained.left_out);
    }
    Ok(())
}
