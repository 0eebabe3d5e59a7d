//! Every target over its seeds, and over a fixed number of inputs grown from them: what `cargo xtask fuzz` does for
//! hours, for a second or two. `CROSSPOINT_CASES` sets how many inputs each target gets beside its seeds.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::BTreeSet;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use crosspoint_fuzz::TARGETS;
use fastrand::Rng;

/// The same inputs each time: a failure is found again by running the test again.
const SEED: u64 = 0x0043_726f_7373_706f;
/// The longest input, in bytes.
const LONGEST: usize = 4096;

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus")
}

fn seeds(target: &str) -> Vec<Vec<u8>> {
    let folder = fs::read_dir(corpus().join(target)).unwrap_or_else(|error| panic!("corpus/{target}: {error}"));
    let mut files: Vec<_> = folder.map(|file| file.unwrap().path()).collect();
    files.sort();
    files.iter().map(|file| fs::read(file).unwrap()).collect()
}

/// Another input: bytes of chance, or seeds with a few changes of the sort that break parsers.
fn grown(seeds: &[Vec<u8>], rng: &mut Rng) -> Vec<u8> {
    if seeds.is_empty() || rng.u8(..8) == 0 {
        return (0..rng.usize(..128)).map(|_| rng.u8(..)).collect();
    }
    let mut input = rng.choice(seeds).unwrap().clone();
    for _ in 0..rng.usize(1..6) {
        let place = rng.usize(..=input.len());
        let end = place + rng.usize(..=(input.len() - place).min(32));
        match rng.u8(..7) {
            0 if place < input.len() => input[place] ^= 1 << rng.u8(..8),
            1 if place < input.len() => input[place] = rng.u8(..),
            2 => input.insert(place, *rng.choice(b"\0\n\r /\\.%:;{}\"\x7f\x80\xff").unwrap()),
            3 => drop(input.drain(place..end)),
            4 => drop(input.splice(place..place, input[place..end].to_vec())),
            5 => input.truncate(place),
            _ => {
                let other = rng.choice(seeds).unwrap();
                let from = rng.usize(..=other.len());
                let to = from + rng.usize(..=(other.len() - from).min(64));
                drop(input.splice(place..end, other[from..to].iter().copied()));
            }
        }
    }
    input.truncate(LONGEST);
    input
}

fn holds(name: &str, cases: usize) {
    let target = crosspoint_fuzz::named(name).unwrap();
    let cases = std::env::var("CROSSPOINT_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(cases);
    let seeds = seeds(name);
    assert!(!seeds.is_empty(), "a target without a seed looks at next to nothing");
    let mut rng = Rng::with_seed(SEED);
    let grown: Vec<_> = (0..cases).map(|_| grown(&seeds, &mut rng)).collect();
    for input in seeds.iter().chain(&grown) {
        let ends = catch_unwind(AssertUnwindSafe(|| (target.run)(input)));
        assert!(ends.is_ok(), "target {name} breaks on \"{}\"", input.escape_ascii());
    }
}

#[test]
fn every_target_has_a_folder_of_seeds_and_every_folder_a_target() {
    let folders = fs::read_dir(corpus()).unwrap().map(|it| it.unwrap().file_name().into_string().unwrap());
    let targets = TARGETS.iter().map(|target| target.name.to_owned());
    assert_eq!(folders.collect::<BTreeSet<_>>(), targets.collect::<BTreeSet<_>>());
}

#[test]
fn no_exchange_leads_anywhere_but_below_its_endpoint() {
    holds("exchange", 2000);
}

#[test]
fn no_commands_make_the_machine_say_anything_but_what_its_model_says() {
    holds("machine", 50);
}

#[test]
fn no_file_breaks_the_package_reader_or_is_read_and_cannot_be_loaded() {
    holds("package", 800);
}

#[test]
fn no_description_breaks_the_check() {
    holds("describe", 60);
}

#[test]
fn no_answer_of_a_driver_breaks_the_lifting() {
    holds("lift", 1000);
}

#[test]
fn no_request_breaks_the_api_or_shows_another_tenants_records() {
    holds("api", 1000);
}

#[test]
fn no_file_breaks_the_configuration() {
    holds("config", 500);
}

#[test]
fn no_cursor_shows_more_than_its_list() {
    holds("cursor", 1000);
}

#[test]
fn no_body_is_taken_for_another_grpc_message_and_no_path_for_another_method() {
    holds("grpc", 3000);
}

#[test]
fn no_value_breaks_out_of_the_helpers_of_the_sdk() {
    holds("helpers", 5000);
}

#[test]
fn no_xml_grows_or_is_written_otherwise_than_it_was_read() {
    holds("xml", 5000);
}

#[test]
fn no_two_requests_are_taken_for_one() {
    holds("idempotency", 3000);
}

#[test]
fn no_failure_makes_a_problem_that_is_none() {
    holds("problem", 500);
}

#[test]
fn no_settings_lead_anywhere_but_where_they_say() {
    holds("settings", 1000);
}

#[test]
fn no_bytes_in_the_stores_place_are_taken_for_its_own() {
    holds("store", 2000);
}

#[test]
fn no_reply_and_no_spec_makes_a_driver_trap_or_answer_with_what_is_no_json() {
    holds("translate", 4000);
}

#[test]
fn no_bytes_of_one_size_are_read_wrong() {
    holds("fixed", 2000);
}

#[test]
fn no_length_is_believed_that_cannot_be() {
    holds("length-prefixed", 5000);
}

#[test]
fn no_delimiter_is_missed_or_made_up() {
    holds("delimited", 5000);
}

#[test]
fn no_stream_of_json_is_read_otherwise_than_its_values() {
    holds("json-values", 5000);
}

#[test]
fn no_reply_that_ends_with_the_connection_is_too_long() {
    holds("until-close", 1000);
}

#[test]
fn no_prompt_makes_more_of_a_reply_than_came() {
    holds("prompted", 3000);
}

#[test]
fn no_netconf_stream_is_read_wrong_and_no_message_is_more_than_one_rpc() {
    holds("netconf", 6000);
}

#[test]
fn no_backend_gives_a_caller_the_reply_of_another() {
    holds("replies", 300);
}
