//! The page of a report: self-contained, for reading, for paper, and for people who would rather look than read.

use std::fmt::Write as _;

use tiermark_ledger::document;
use tiermark_ledger::keys::tree::Direction;

use super::picture::{self, Shown};
use super::{Examined, LIMITS, Options};
use crate::verdict::{FoundPatch, Mark, Step, Verdict};

/// Colours of the tiers, told apart also on paper and by people who see fewer colours (Okabe and Ito, 2008).
const TIERS: [&str; 7] = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#555555"];

const STYLE: &str = "\
body{font:15px/1.45 'Noto Sans','DejaVu Sans','Helvetica Neue',Arial,sans-serif;color:#1a1a1a;max-width:60em;margin:2em auto;padding:0 1em}\
h1{font-size:1.6em;margin:0 0 .2em}h2{font-size:1.2em;margin:2em 0 .4em;border-bottom:1px solid #bbb}h3{font-size:1em;margin:1.4em 0 .3em}\
table{border-collapse:collapse;width:100%;font-size:.92em}th,td{border-bottom:1px solid #ddd;padding:.25em .6em .25em 0;text-align:left;vertical-align:top}\
th{font-weight:600}code,.id{font-family:'DejaVu Sans Mono',Menlo,Consolas,monospace;font-size:.86em}code{word-break:break-all}\
.small{color:#444;font-size:.88em}.chain{margin:.6em 0}.step{border:1.5px solid #444;border-radius:4px;padding:.4em .8em;display:inline-block;vertical-align:top;margin:.2em 0}\
.arrow{display:block;padding:0 1em;font-size:1.2em}.step{min-width:18em}.id{white-space:nowrap}figure{margin:.6em 1em .6em 0;display:inline-block;vertical-align:top}\
figcaption{font-size:.85em;color:#444}svg,img{max-width:100%;height:auto}.box{border:1.5px solid #444;padding:.6em 1em;margin:1em 0}\
@media print{body{margin:0;max-width:none;font-size:10.5pt}h2{break-after:avoid}.box,figure,table{break-inside:avoid}a{color:inherit;text-decoration:none}}";

/// The whole page.
pub(super) fn page(finding: &document::Finding, examined: &[Examined], options: &Options) -> String {
    let mut body = String::new();
    head(&mut body, finding, examined);
    chains(&mut body, examined);
    for one in examined {
        file(&mut body, one, options);
    }
    arithmetic(&mut body, examined);
    limits(&mut body);
    checking(&mut body);
    let title = text(&format!("Case {}", finding.case));
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <title>{title}</title><style>{STYLE}</style></head><body>{body}</body></html>\n"
    )
}

fn head(body: &mut String, finding: &document::Finding, examined: &[Examined]) {
    let count = |verdict: Verdict| examined.iter().filter(|one| one.finding.verdict == verdict).count();
    let tool = &finding.tool;
    put(
        body,
        format_args!(
            "<h1>Case {}</h1><p class=\"small\">Signed {} by the examiner whose root key is <code>{}</code>. {} {}.</p>",
            text(&finding.case),
            finding.made_at,
            finding.examiner,
            text(&tool.name),
            text(&tool.version)
        ),
    );
    put(
        body,
        format_args!(
            "<p>{} files were examined: {} lead to one chain of hand-overs, {} to several, {} bear a mark that no filed document \
         explains, in {} no mark was read, {} could not be looked at.</p>",
            examined.len(),
            count(Verdict::Attributed),
            count(Verdict::Coalition),
            count(Verdict::Unlisted),
            count(Verdict::NoMark),
            count(Verdict::Unreadable)
        ),
    );
}

/// Every chain that was found, as boxes with arrows, and in how many files.
fn chains(body: &mut String, examined: &[Examined]) {
    let mut all: Vec<(&Vec<Step>, usize)> = Vec::new();
    for chain in examined.iter().flat_map(|one| &one.finding.chains) {
        let same =
            |other: &&Vec<Step>| other.iter().map(|s| &s.document).eq(chain.iter().map(|s| &s.document));
        match all.iter_mut().find(|(other, _)| same(other)) {
            Some((_, files)) => *files += 1,
            None => all.push((chain, 1)),
        }
    }
    if all.is_empty() {
        return;
    }
    body.push_str("<h2>Through whose hands</h2>");
    for (chain, files) in all {
        put(
            body,
            format_args!("<div class=\"chain\"><p class=\"small\">{files} of {} files</p>", examined.len()),
        );
        if let Some(first) = chain.first() {
            put(body, format_args!("<div class=\"step\"><b>{}</b></div>", text(&first.from)));
        }
        chain.iter().for_each(|step| a_step(body, step));
        body.push_str("</div>");
    }
}

fn a_step(body: &mut String, step: &Step) {
    let way = if step.direction == Direction::Up { "gave back to" } else { "handed to" };
    put(
        body,
        format_args!(
            "<span class=\"arrow\">&darr;</span><div class=\"step\" style=\"border-color:{}\"><b>{}</b>\
         <br><span class=\"small\">tier {}, {way} it on {}<br>mark <code>{}</code>{}<br>{}: {}{}{}</span></div>",
            colour(step.tier),
            text(&step.to),
            step.tier,
            step.issued_at,
            step.handover,
            if step.read { "" } else { " (not read; named by the document below)" },
            step.grade,
            step.grade.meaning(),
            step.witnessed_at.as_ref().map_or_else(String::new, |at| format!("<br>a log held it by {at}")),
            step.missing.map_or_else(String::new, |missing| format!("<br>missing: {}", text(missing)))
        ),
    );
}

fn file(body: &mut String, one: &Examined, options: &Options) {
    let finding = &one.finding;
    put(
        body,
        format_args!(
            "<div class=\"file\"><h2>{}</h2><p><b>{}</b>{}</p><p class=\"small\">{} bytes, SHA-256 <code>{}</code></p>",
            text(&one.name),
            finding.verdict.word(),
            finding.reason.as_ref().map_or_else(String::new, |reason| format!(": {}", text(reason))),
            one.size,
            one.sha256
        ),
    );
    if !finding.marks.is_empty() {
        pictures(body, one, options);
        marks(body, &finding.marks);
    }
    body.push_str("</div>");
}

/// The found picture with a map of where each tier was read, and the original beside it.
fn pictures(body: &mut String, one: &Examined, options: &Options) {
    let limits = &options.trace.limits;
    let found = if options.pictures { picture::shown(&one.path, limits) } else { None };
    let size = found.as_ref().map(|shown| shown.size).or_else(|| picture::size_of(&one.path, limits));
    let Some((width, height)) = size else { return };
    if let Some(Shown { address, .. }) = &found {
        put(
            body,
            format_args!(
                "<figure><img width=\"320\" alt=\"\" src=\"{address}\"><figcaption>as it was found, {width} x {height}</figcaption></figure>"
            ),
        );
    }
    if let Some(shown) = original_of(one, options) {
        let (w, h) = shown.size;
        put(
            body,
            format_args!(
                "<figure><img width=\"320\" alt=\"\" src=\"{}\"><figcaption>the original of that name, {w} x {h}</figcaption></figure>",
                shown.address
            ),
        );
    }
    for mark in one.finding.marks.iter().filter(|mark| !mark.patches.is_empty()) {
        let address = found.as_ref().map(|shown| shown.address.as_str());
        map(body, mark, (width, height), address);
    }
}

fn original_of(one: &Examined, options: &Options) -> Option<Shown> {
    let folder = options.originals.as_ref()?;
    let stem = std::path::Path::new(&one.name).file_stem()?.to_string_lossy().to_lowercase();
    let inputs = crate::inputs::Inputs::find(std::slice::from_ref(folder), crate::inputs::Links::Report);
    let named =
        |path: &std::path::Path| path.file_stem().is_some_and(|s| s.to_string_lossy().to_lowercase() == stem);
    let input = inputs.files.iter().find(|input| named(&input.path))?;
    picture::shown(&input.path, &options.trace.limits)
}

/// Squares where a tier was read, the darker the surer.
fn map(body: &mut String, mark: &Mark, (width, height): (usize, usize), picture: Option<&str>) {
    const SURE: f64 = 12.0;
    let colour = colour(mark.tier);
    put(
        body,
        format_args!(
            "<figure><svg width=\"320\" viewBox=\"0 0 {width} {height}\" role=\"img\"><rect width=\"{width}\" height=\"{height}\" fill=\"#fff\" stroke=\"#444\" stroke-width=\"{}\"/>",
            width as f64 / 320.0
        ),
    );
    if let Some(address) = picture {
        put(
            body,
            format_args!(
                "<image href=\"{address}\" width=\"{width}\" height=\"{height}\" opacity=\"0.35\"/>"
            ),
        );
    }
    for FoundPatch { x, y, side, z } in &mark.patches {
        let opacity = (z / SURE).clamp(0.0, 1.0) * 0.7;
        put(
            body,
            format_args!(
                "<rect x=\"{:.1}\" y=\"{:.1}\" width=\"{side:.1}\" height=\"{side:.1}\" fill=\"{colour}\" fill-opacity=\"{opacity:.2}\"/>",
                x - side / 2.0,
                y - side / 2.0
            ),
        );
    }
    put(
        body,
        format_args!(
            "</svg><figcaption>where tier {} was read: the darker, the surer</figcaption></figure>",
            mark.tier
        ),
    );
}

fn marks(body: &mut String, marks: &[Mark]) {
    body.push_str(
        "<table><tr><th>tier</th><th>made by</th><th>for</th><th>mark</th><th>z</th><th>log10 p</th><th>grade</th><th>decoy keys</th></tr>",
    );
    for mark in marks {
        let decoys = mark.decoys.map_or_else(
            || "not tried".to_owned(),
            |decoys| {
                let all = decoys.tried + 1;
                format!(
                    "{} of {all}; the strongest of the others reached z {:.1}, this one {:.1}",
                    decoys.rank, decoys.strongest_decoy, decoys.real
                )
            },
        );
        put(
            body,
            format_args!(
                "<tr><td>{}</td><td>{}</td><td>{}</td><td class=\"id\">{}</td><td>{:.1}</td><td>{:.1}</td><td>{}</td><td>{decoys}</td></tr>",
                mark.tier,
                text(&mark.from),
                text(mark.recipient.as_deref().unwrap_or("nobody is named")),
                mark.handover,
                mark.z,
                mark.log10_false_alarm,
                mark.grade
            ),
        );
    }
    body.push_str("</table>");
}

/// How the bound on a false alarm comes about, with the figures of the weakest mark.
fn arithmetic(body: &mut String, examined: &[Examined]) {
    let marks = examined.iter().flat_map(|one| &one.finding.marks);
    let Some(weakest) = marks.max_by(|a, b| a.log10_false_alarm.total_cmp(&b.log10_false_alarm)) else {
        return;
    };
    let words = match weakest.trials.words {
        Some(words) => format!("one of {words} words that the registry holds"),
        None => "one of 2^64 words, because the registry does not hold this one".to_owned(),
    };
    put(
        body,
        format_args!(
            "<h2>How sure that is</h2><p>Under a wrong key every sign of the pattern is a fair coin, whatever the picture shows: the \
         detection statistic z is then at most as large as chance makes it. For the weakest mark of this report:</p>\
         <table><tr><td>detection statistic</td><td>z = {:.1}</td></tr>\
         <tr><td>probability that one fixed pattern reads so strongly by chance, log10</td><td>{:.1}</td></tr>\
         <tr><td>patterns tried, log10: {} keys, {words}, 64 places of the pattern, 4 weightings, every map and search of the file</td><td>+ {:.1}</td></tr>\
         <tr><th>bound on a false alarm, log10</th><th>{:.1}</th></tr></table>\
         <p>A mark is named from -9 on: one in a thousand million files. The decoy keys of the tables are keys that nobody used, tried \
         on the very same file; a real mark stands far in front of all of them.</p>",
            weakest.z,
            weakest.log10_false_alarm - weakest.trials.log10,
            weakest.trials.keys,
            weakest.trials.log10,
            weakest.log10_false_alarm
        ),
    );
}

fn limits(body: &mut String) {
    body.push_str("<div class=\"box\"><b>What this says, and what it does not</b><ul>");
    LIMITS.iter().for_each(|limit| put(body, format_args!("<li>{}</li>", text(limit))));
    body.push_str("</ul></div>");
}

fn checking(body: &mut String) {
    body.push_str(
        "<h2>How to check it</h2><p>README.txt in this folder tells how, with OpenSSL and coreutils alone: every signature, every hash, \
         the chain, the log, the custody. finding.dsse.json is what the examiner signed; it names the SHA-256 of this page.</p>",
    );
}

fn colour(tier: u8) -> &'static str {
    TIERS[usize::from(tier.saturating_sub(1)) % TIERS.len()]
}

/// Text in which nothing is markup. Names come from found files and foreign documents.
fn text(raw: &str) -> String {
    let mut safe = String::with_capacity(raw.len());
    for c in raw.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            // Marks that turn the direction of text would let a name look like another one.
            '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
                safe.push('\u{fffd}');
            }
            c if c.is_control() => safe.push('\u{fffd}'),
            c => safe.push(c),
        }
    }
    safe
}

fn put(body: &mut String, piece: std::fmt::Arguments<'_>) {
    // Writing to a string does not fail.
    let _ = body.write_fmt(piece);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_no_markup() {
        assert_eq!(
            text("<script>\"a\" & 'b'</script>"),
            "&lt;script&gt;&quot;a&quot; &amp; &#39;b&#39;&lt;/script&gt;"
        );
        assert_eq!(text("a\u{202e}gpj.exe\n"), "a\u{fffd}gpj.exe\u{fffd}");
        assert_eq!(text("원화 1.png"), "원화 1.png");
    }
}
