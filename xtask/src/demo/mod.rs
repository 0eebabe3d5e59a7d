//! `cargo xtask demo`: Crosspoint at work.
//!
//! A simulated firewall and Crosspoint run as the processes that they are. Each act of the script is what a person
//! would type, shown with what the firewall's own record says of it and where the mapping stands, and it is held to
//! what must come of it: the demo ends well only if everything came out as it should.

mod client;
mod patience;
mod play;
mod program;
mod script;
mod show;
mod stage_set;
mod swap;

use std::{process::ExitCode, time::Instant};

use anyhow::Result;
use clap::Args;

use self::{patience::Patience, play::Play, stage_set::StageSet};
use crate::{
    drivers, process,
    project::Project,
    stage::{human, stage},
};

/// Run Crosspoint against a simulated firewall, and show each call, its one exchange and the mapping.
///
/// Everything is made below target/demo, fresh each time, and listens on this machine alone. The first thing that comes
/// out differently than it must ends the demo with exit code 1.
#[derive(Args)]
pub struct Demo {
    /// Leave both running at the end, and say which addresses to open and which tokens to use
    #[arg(long)]
    keep: bool,
}

impl Demo {
    pub fn run(&self) -> Result<ExitCode> {
        let started = Instant::now();
        let project = Project::load()?;
        let claim = stage_set::claim(&project)?;
        stage("the driver", || drivers::build(&project, &["firewall".to_owned()]))?;
        stage("Crosspoint and the firewall", build)?;
        let set = StageSet::build(&project, claim, Patience::new()?)?;
        announce(&set);
        let mut play = Play::new(&set);
        let performed = script::perform(&mut play);
        play.summary();
        if performed.is_ok() && self.keep {
            invite(&set);
            set.patience.until_a_signal();
        }
        let logs = ["crosspoint.log", "firewall.log"].map(|name| set.short(&set.file(name)));
        let ended = set.strike();
        if performed.is_err() || ended.is_err() {
            println!("\nThe logs are {}.", logs.join(" and "));
        }
        // Whoever ended before its time is the reason for whatever went wrong on the way.
        match (performed, ended) {
            (Err(error), Err(reason)) => return Err(error.context(reason)),
            (performed, ended) => performed.and(ended)?,
        }
        println!("All came out as it should; both processes ended cleanly. {} in total.", human(started.elapsed()));
        Ok(ExitCode::SUCCESS)
    }
}

/// Builds both programs with the features that they have in `cargo xtask test`, so that neither command undoes the
/// other's work: hence the whole workspace, of which two binaries are built, and a test, without which cargo would
/// leave out the features that tests ask for.
fn build() -> Result<()> {
    let binaries = ["--bin", "crosspoint", "--bin", "firewall-appliance"];
    process::run(process::cargo().args(["build", "--workspace"]).args(binaries).args(["--test", "appliance"]))
}

fn announce(set: &StageSet) {
    println!("Crosspoint listens at {}, the firewall at {}.", set.cmp.url(), set.firewall.url());
    println!("What is typed below can be typed again after `. {}` in this folder.", set.short(&set.file("env.sh")));
}

fn invite(set: &StageSet) {
    let environment = set.short(&set.file("env.sh"));
    println!(
        r#"
Both are still running. In another terminal, in this folder:

    . {environment}
    crosspoint mapping list
    crosspoint object get fw-dc1 rule dns-53
    crosspoint --context operator events
    curl $XP/openapi.json -H "Authorization: Bearer $CMP"
    curl $XP/metrics -H "Authorization: Bearer $OPERATOR"
    curl $FW/_sim/requests
"#
    );
    for (what, value) in [
        ("Crosspoint", set.cmp.url().to_owned()),
        ("the firewall", set.firewall.url().to_owned()),
        ("the CMP's token", set.cmp.token().to_owned()),
        ("the operator's", set.operator.token().to_owned()),
        ("watched drivers", set.short(&set.file("drivers"))),
        ("log", set.short(&set.file("crosspoint.log"))),
    ] {
        println!("    {what:<17}{value}");
    }
    println!("\nCtrl-C ends both.");
}
