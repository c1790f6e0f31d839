//! `tiermark bench`.

use std::path::Path;

use serde_json::json;
use tiermark::bench::{self, Attack, BASIC, Bench, Informed, Journal, Line, Outcome, Settings, Table, Tiers};
use tiermark::inputs::Links;

use crate::args::{BenchArguments, Common};
use crate::report::{self, Answer, Trouble};
use crate::{find, in_pool, progress};

/// Measure the pictures.
pub(crate) fn run(common: &Common, arguments: &BenchArguments) -> Result<Answer, Trouble> {
    let inputs = find(&arguments.pictures, Links::Follow)?;
    let settings = Settings {
        seed: arguments.seed,
        attacks: attacks(&arguments.attacks, arguments.informed.is_some())?,
        tiers: if arguments.tiers == 3 { Tiers::Three } else { Tiers::One },
        strength: (arguments.strength.clone(), crate::strength(&arguments.strength)),
        informed: arguments.informed,
    };
    let journal = match &arguments.out {
        None => Journal::in_memory(),
        Some(out) => {
            std::fs::create_dir_all(out).map_err(|error| Trouble(format!("{}: {error}", out.display())))?;
            Journal::open(&out.join("results.jsonl"), &settings)?
        }
    };
    let files = &inputs.files;
    let bar = |rows: usize| progress::bar(common, "measuring", (files.len() * rows) as u64);
    let failed = match settings.informed {
        None => {
            let bench = Bench::new(settings.clone());
            let bar = bar(bench.rows());
            let failed = in_pool(common.jobs, || bench.run(files, &journal, &|| bar.inc(1)))??;
            bar.finish_and_clear();
            failed
        }
        Some(innocents) => {
            let bench = Informed::new(settings.clone(), innocents);
            let bar = bar(bench.rows());
            let failed = in_pool(common.jobs, || bench.run(files, &journal, &|| bar.inc(1)))?
                .map_err(|error| Trouble(error.to_string()))?;
            bar.finish_and_clear();
            failed
        }
    };
    for unreadable in &inputs.unreadable {
        report::complain(&format!("{}: {}", report::name_of(&unreadable.path), unreadable.reason));
    }
    for (path, reason) in &failed {
        report::complain(&format!("not measured: {}: {reason}", report::name_of(path)));
    }
    let lines = journal.lines();
    let table = Table::of(&lines, &settings);
    if common.json {
        lines.iter().filter(|line| line.outcome.is_some()).for_each(|line| tell(line, &lines));
    } else {
        report::print(&format!("{}\n{}", table.markdown(), bench::summary(&settings, &table)));
    }
    if let Some(out) = &arguments.out {
        bench::write(out, &settings, &table, &lines).map_err(Trouble)?;
    }
    for file in &arguments.into {
        replace(file, &format!("{}\n{}", table.digest(), bench::summary(&settings, &table)))?;
    }
    let measured = inputs.files.len() - failed.len();
    Ok(match (measured, failed.len() + inputs.unreadable.len()) {
        (0, _) => Answer::Nothing,
        (_, 0) => Answer::Done,
        _ => Answer::Partly,
    })
}

/// The attacks that a person named.
fn attacks(list: &str, informed: bool) -> Result<Vec<Attack>, Trouble> {
    let mut all = bench::all();
    let more = bench::informed_attacks();
    all.extend(more.iter().filter(|attack| !bench::all().contains(attack)));
    let named = |slug: &str| {
        let slugs: Vec<String> = all.iter().map(Attack::slug).collect();
        let found = all.iter().zip(&slugs).find(|(_, known)| *known == slug).map(|(attack, _)| *attack);
        found.ok_or_else(|| {
            let known: Vec<&str> = slugs.iter().map(String::as_str).collect();
            let hint = tiermark::nearest(slug, &known)
                .map_or_else(String::new, |near| format!("; did you mean {near}?"));
            Trouble(format!("no attack is called {slug}{hint}; there are {}", known.join(", ")))
        })
    };
    match list {
        "informed" => Ok(more),
        "basic" if informed => Ok(more),
        "basic" => Ok(BASIC.to_vec()),
        "full" => Ok(bench::all()),
        list => list.split(',').map(|slug| named(slug.trim())).collect(),
    }
}

/// One object to a reading.
fn tell(line: &Line, lines: &[Line]) {
    let quality = lines.iter().filter(|other| other.picture == line.picture).find_map(|other| other.quality);
    let (named, z, log10) = match line.outcome {
        Some(Outcome::Named { z, log10 }) => ("right", Some(z), Some(log10)),
        Some(Outcome::Partly { z, .. }) => ("partly", Some(z), None),
        Some(Outcome::Nothing { z }) => ("nobody", z, None),
        Some(Outcome::Wrong { z }) => ("wrong", Some(z), None),
        Some(Outcome::Skipped) | None => ("skipped", None, None),
    };
    let (name, digest) = line.picture.rsplit_once(':').unwrap_or((&line.picture, ""));
    report::json(&json!({
        "file": name, "pixels": digest, "class": line.class, "attack": line.row, "named": named, "z": z,
        "log10_false_alarm": log10, "seconds": line.seconds, "megapixels": line.megapixels,
        "psnr_db": quality.map(|q| q.psnr_db), "ssim": quality.map(|q| q.ssim),
        "ssimulacra2": quality.and_then(|q| q.ssimulacra2), "flat_change": quality.and_then(|q| q.flat_change),
        "growth": quality.map(|q| q.growth),
    }));
}

/// Put `table` between the two marks of a page.
fn replace(file: &Path, table: &str) -> Result<(), Trouble> {
    const MARKS: [&str; 2] = ["<!-- bench -->", "<!-- /bench -->"];
    let disk = |error: std::io::Error| Trouble(format!("{}: {error}", file.display()));
    let text = std::fs::read_to_string(file).map_err(disk)?;
    let parts = text.split_once(MARKS[0]).and_then(|(head, rest)| Some((head, rest.split_once(MARKS[1])?.1)));
    let Some((head, tail)) = parts else {
        return Err(Trouble(format!("{} has no lines {} and {}", file.display(), MARKS[0], MARKS[1])));
    };
    std::fs::write(file, format!("{head}{}\n{table}\n{}{tail}", MARKS[0], MARKS[1])).map_err(disk)
}
