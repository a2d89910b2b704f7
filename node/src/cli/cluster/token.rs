//! `custody cluster token`: lets one new member join.

use super::super::Exit;
use super::asked::Asked;
use super::table;
use clap::Args;
use serde::Deserialize;
use std::io::Write;

/// Make a token for one new member. It is shown once, and can be used for 15 minutes.
#[derive(Debug, Args)]
pub(super) struct Token {
    #[command(flatten)]
    asked: Asked,
}

#[derive(Deserialize)]
struct Made {
    token: String,
}

impl Token {
    pub(super) fn run(self) -> anyhow::Result<Exit> {
        let nothing = serde_json::json!({});
        let answer: serde_json::Value =
            self.asked.server.client()?.post("/v1/cluster/join-tokens", &nothing)?;
        let mut output = std::io::stdout().lock();
        match self.asked.json {
            true => table::print_json(&answer, &mut output)?,
            // Alone on its line, so that it can be piped.
            false => writeln!(output, "{}", serde_json::from_value::<Made>(answer)?.token)?,
        }
        Ok(Exit::Done)
    }
}
