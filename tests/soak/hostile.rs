//! The bad-input table.

#![expect(clippy::print_stdout, reason = "a tool of the command line")]

use crate::journal::{Result, Run};
use harness::{Case, Measured, Trials, cases};
use serde_json::{Value, json};

/// One run for each case, with all of its variants; those of the quick share only if asked.
pub(crate) fn runs() -> Vec<Run> {
    cases().into_iter().map(run).collect()
}

fn run(case: Case) -> Run {
    let key = json!({ "section": case.section.to_string(), "case": case.name });
    let work = move || -> Result {
        let mut trials = Trials::new()?;
        let mut most = Measured::default();
        let mut failures = Vec::new();
        let mut outcomes: Vec<String> = Vec::new();
        for variant in &case.variants {
            match trials.run(&case, variant) {
                Ok(measured) => most = most.max(measured),
                Err(error) => failures.push(format!("{}: {error:#}", variant.name)),
            }
            let outcome = variant.expected.convert.to_string();
            if !outcomes.contains(&outcome) {
                outcomes.push(outcome);
            }
        }
        let result = json!({
            "variants": case.variants.len(), "outcome": outcomes.join(", "), "wall_s": most.wall_s,
            "cpu_s": most.cpu_s, "peak_mib": most.peak_kib >> 10,
        });
        anyhow::ensure!(failures.is_empty(), "{}", failures.join("; "));
        Ok(result)
    };
    Run { key, work: Box::new(work) }
}

/// Prints the table of finished runs.
pub(crate) fn print_table(lines: &[Value]) {
    println!(
        "{:1} {:50} {:>8} {:>7} {:>7} {:>5}  outcome of convert",
        "", "case", "variants", "wall s", "CPU s", "MiB"
    );
    for line in lines {
        let (run, result) = (&line["run"], &line["result"]);
        let number = |name: &str| result[name].as_f64().unwrap_or(0.0);
        println!(
            "{:1} {:50} {:>8} {:7.1} {:7.1} {:5.0}  {}",
            run["section"].as_str().unwrap_or_default(),
            run["case"].as_str().unwrap_or_default(),
            number("variants"),
            number("wall_s"),
            number("cpu_s"),
            number("peak_mib"),
            result["outcome"].as_str().unwrap_or("FAILED"),
        );
    }
}
