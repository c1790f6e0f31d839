//! `tiermark vendor add`, `list`, `show`.

use serde_json::{Value, json};
use tiermark::ledger::store::{VendorCounts, VendorRow};
use tiermark::ledger::{Handle, Studio};
use time::OffsetDateTime;

use crate::args::{Common, VendorVerb};
use crate::ask;
use crate::report::{self, Answer, Trouble, optional};

/// Do what the verb says.
pub(crate) fn run(common: &Common, verb: &VendorVerb) -> Result<Answer, Trouble> {
    match verb {
        VendorVerb::Add { name, note } => add(common, name, note.as_deref()),
        VendorVerb::List => list(common),
        VendorVerb::Show { name } => show(common, name),
    }
}

/// The vendor of this name, or the nearest one's name.
pub(crate) fn find(studio: &Studio, name: &str) -> Result<VendorRow, Trouble> {
    let handle = Handle::new(name)?;
    if let Some(vendor) = studio.registry().find_vendor(&handle)? {
        return Ok(vendor);
    }
    let vendors = studio.registry().vendors()?;
    let names: Vec<&str> = vendors.iter().map(|vendor| vendor.handle.as_str()).collect();
    let advice = match tiermark::nearest(handle.as_str(), &names) {
        Some(nearest) => format!("did you mean \"{nearest}\"?"),
        None => format!("add it with `tiermark vendor add \"{}\"`", handle.as_str()),
    };
    Err(Trouble(format!("there is no vendor called \"{}\"; {advice}", handle.as_str())))
}

fn add(common: &Common, name: &str, note: Option<&str>) -> Result<Answer, Trouble> {
    let handle = Handle::new(name)?;
    let studio = ask::open(common)?;
    let secrets = ask::unlock(common, &studio)?;
    let vendor = studio.add_vendor(&secrets, &handle, note, OffsetDateTime::now_utc())?;
    if common.json {
        report::json(&described(&vendor, None));
    } else if !common.quiet {
        report::say(&format!("added {}, record {}", vendor.handle.as_str(), vendor.record));
    }
    Ok(Answer::Done)
}

fn list(common: &Common) -> Result<Answer, Trouble> {
    let studio = ask::open_to_look(common)?;
    let mut rows = Vec::new();
    for vendor in studio.registry().vendors()? {
        let counts = studio.registry().counts(vendor.party())?;
        if common.json {
            report::json(&described(&vendor, Some(&counts)));
        } else {
            rows.push(row(&vendor, &counts));
        }
    }
    if !common.json {
        report::print(&report::table(&["vendor", "added", "hand-overs", "frames sent", "last"], rows));
    }
    Ok(Answer::Done)
}

fn show(common: &Common, name: &str) -> Result<Answer, Trouble> {
    let studio = ask::open_to_look(common)?;
    let vendor = find(&studio, name)?;
    let counts = studio.registry().counts(vendor.party())?;
    let mut object = described(&vendor, Some(&counts));
    let handovers = studio.registry().handovers()?.into_iter().filter(|h| h.recipient == vendor.party());
    let rows: Vec<Vec<String>> = handovers
        .map(|h| {
            let state = format!("{:?}", h.state).to_lowercase();
            vec![h.mark.to_string(), h.issued_at.to_string(), h.frames.to_string(), state]
        })
        .collect();
    if common.json {
        let line = |r: &Vec<String>| json!({"handover": r[0], "issued_at": r[1], "frames": r[2].parse::<u64>().ok(), "state": r[3]});
        object["handovers"] = rows.iter().map(line).collect();
        report::json(&object);
    } else {
        report::print(&format!(
            "{}\nrecord {}\nadded {}",
            vendor.handle.as_str(),
            vendor.record,
            vendor.added_at
        ));
        report::print(&report::table(&["hand-over", "issued", "frames", "state"], rows));
    }
    Ok(Answer::Done)
}

fn row(vendor: &VendorRow, counts: &VendorCounts) -> Vec<String> {
    let last = counts.last_issued_at.map_or_else(String::new, |moment| moment.to_string());
    let (handovers, sealed) = (counts.handovers.to_string(), counts.sealed.to_string());
    vec![vendor.handle.as_str().to_owned(), vendor.added_at.to_string(), handovers, sealed, last]
}

fn described(vendor: &VendorRow, counts: Option<&VendorCounts>) -> Value {
    let mut object = json!({
        "vendor": vendor.handle.as_str(),
        "record": vendor.record.to_string(),
        "added_at": vendor.added_at.to_string(),
    });
    if let Some(counts) = counts {
        object["handovers"] = json!(counts.handovers);
        object["frames"] = json!(counts.frames);
        object["sealed"] = json!(counts.sealed);
        object["last_issued_at"] = optional(counts.last_issued_at.map(|moment| moment.to_string()));
    }
    object
}
