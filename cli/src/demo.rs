//! `tiermark demo`.

use std::path::Path;

use serde_json::json;
use tiermark::demo;

use crate::args::Common;
use crate::in_pool;
use crate::report::{self, Answer, Trouble};

/// Run the main job on sample frames and show what came out.
pub(crate) fn run(common: &Common, samples: &Path, out: &Path) -> Result<Answer, Trouble> {
    let say = |text: &str| {
        if !common.quiet {
            report::say(&format!("- {text}"));
        }
    };
    let shown = in_pool(common.jobs, || demo::run(samples, out, &say))??;
    for leak in &shown.leaks {
        if common.json {
            report::json(
                &json!({"sample": leak.sample, "truth": leak.truth, "attack": leak.attack, "finding": leak.finding}),
            );
        }
    }
    let right = shown.leaks.iter().filter(|leak| leak.right()).count();
    if !common.json {
        report::print(&table(&shown));
    }
    if !common.quiet {
        report::say(&format!(
            "{right} of {} leaked copies read right: the vendor where there was one, nobody where there was none.\n\
             Everything is in {}: marked copies in for/, leaked ones in leaked/. Look again with\n  \
             tiermark trace --studio {2}/studio --passphrase-file FILE {2}/leaked\n\
             where FILE holds the passphrase: {3}",
            shown.leaks.len(),
            report::name_of(out),
            report::name_of(out),
            demo::PASSPHRASE,
        ));
    }
    Ok(if right == shown.leaks.len() { Answer::Done } else { Answer::No })
}

fn table(shown: &demo::Shown) -> String {
    let row = |leak: &demo::Leak| {
        let mark = leak.finding.marks.first();
        let number = |v: Option<f64>| v.map_or_else(String::new, |v| format!("{v:.1}"));
        vec![
            leak.sample.clone(),
            leak.attack.clone(),
            leak.truth.clone().unwrap_or_else(|| "(unmarked)".to_owned()),
            mark.and_then(|mark| mark.recipient.clone()).unwrap_or_else(|| "-".to_owned()),
            number(mark.map(|mark| mark.z)),
            number(mark.map(|mark| mark.log10_false_alarm)),
            mark.map_or_else(String::new, |mark| format!("{:?}", mark.signature).to_lowercase()),
        ]
    };
    let head = ["sample", "leaked as", "copy of", "trace says", "z", "log10 p", "signature"];
    report::table(&head, shown.leaks.iter().map(row).collect())
}
