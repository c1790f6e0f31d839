//! The table as files: CSV for machines, Markdown for a repository, one HTML page with plots for people.

use std::fmt::Write as _;
use std::path::Path;

use plotters::prelude::*;

use super::table::QUALITIES;
use super::{Cell, Demand, Innocent, Line, Outcome, RECIPIENTS, Settings, Table};

/// Write `table.csv`, `table.md` and `index.html` into `folder`.
///
/// # Errors
/// When the folder cannot be written, or a plot cannot be drawn.
pub fn write(folder: &Path, settings: &Settings, table: &Table, lines: &[Line]) -> Result<(), String> {
    let put = |name: &str, text: &str| {
        let path = folder.join(name);
        std::fs::write(&path, text).map_err(|error| format!("{}: {error}", path.display()))
    };
    put("table.csv", &csv(lines))?;
    put("table.md", &format!("{}\n{}\n", table.markdown(), summary(settings, table)))?;
    put("index.html", &page(settings, table, lines)?)
}

/// What a run was, in a sentence.
pub fn summary(settings: &Settings, table: &Table) -> String {
    let (of, wrong) = table.false_alarms();
    let bound = if wrong == 0 && of > 0 {
        format!("by the rule of three below {:.2} % (95 %)", 300.0 / of as f64)
    } else {
        "see the rows".to_owned()
    };
    let how = match settings.informed {
        None => String::new(),
        Some(_) => format!(
            " The originals were at hand, in an archive of all of them; one recipient among {RECIPIENTS}. {}",
            calibration(&table.innocent)
        ),
    };
    format!(
        "Seed {}, {} mark{} of strength {}; {} wrong names in all; {of} searches that must name nobody named {wrong}, {bound}.{how}",
        settings.seed,
        settings.tiers.count(),
        if settings.tiers.count() == 1 { "" } else { "s on the same pixels" },
        settings.strength.0,
        table.wrong(),
    )
}

/// How the scores of recipients who had no part lie beside the bound.
fn calibration(innocent: &Innocent) -> String {
    let (mean, deviation) = innocent.mean_and_deviation();
    let scores = innocent.scores as f64;
    let beyond: Vec<String> = innocent
        .beyond
        .iter()
        .zip([1e-2, 1e-3, 1e-4, 1e-5])
        .map(|(count, bound)| format!("{count} beyond {bound:.0e} ({:.0} allowed)", scores * bound))
        .collect();
    format!(
        "{} scores of recipients who had no part: mean {mean:.4}, deviation {deviation:.4}, largest {:.2}; {}.",
        innocent.scores,
        innocent.largest,
        beyond.join(", ")
    )
}

/// One row to a reading.
fn csv(lines: &[Line]) -> String {
    let mut text =
        "picture,class,row,outcome,z,log10_false_alarm,seconds,megapixels,psnr_db,ssim,ssimulacra2,flat_change,growth\n"
            .to_owned();
    let number = |v: Option<f64>| v.map_or_else(String::new, |v| format!("{v:.4}"));
    let quoted = |v: &str| format!("\"{}\"", v.replace('"', "\"\""));
    for line in lines {
        let (outcome, z, log10) = match line.outcome {
            Some(Outcome::Named { z, log10 }) => ("named", Some(z), Some(log10)),
            Some(Outcome::Partly { z, .. }) => ("partly", Some(z), None),
            Some(Outcome::Nothing { z }) => ("nothing", z, None),
            Some(Outcome::Wrong { z }) => ("wrong", Some(z), None),
            Some(Outcome::Skipped) => ("skipped", None, None),
            None => ("", None, None),
        };
        let q = line.quality;
        let fields = [
            quoted(&line.picture),
            quoted(&line.class),
            line.row.clone(),
            outcome.to_owned(),
            number(z),
            number(log10),
            number(line.seconds),
            number(line.megapixels),
            number(q.map(|q| q.psnr_db)),
            number(q.map(|q| q.ssim)),
            number(q.and_then(|q| q.ssimulacra2)),
            number(q.and_then(|q| q.flat_change).map(f64::from)),
            number(q.map(|q| q.growth)),
        ];
        let _ = writeln!(text, "{}", fields.join(","));
    }
    text
}

const STYLE: &str = "
:root { color-scheme: light dark; --met: #2e7d3233; --missed: #c6282844; --line: #8886; }
body { font: 15px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 75rem; padding: 0 1rem; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: 13px; }
th, td { border: 1px solid var(--line); padding: .2rem .5rem; text-align: left; }
td.met { background: var(--met); } td.missed { background: var(--missed); font-weight: 600; }
figure { margin: 1.5rem 0; background: #fff; padding: .5rem; overflow-x: auto; } figcaption { color: #333; font-size: 13px; }
svg { max-width: 100%; height: auto; }
@media print { body { margin: 0; max-width: none; } figure { break-inside: avoid; } }
";

fn page(settings: &Settings, table: &Table, lines: &[Line]) -> Result<String, String> {
    let mut html = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <title>tiermark bench</title><style>{STYLE}</style></head><body><h1>What the mark survives</h1><p>{}</p>\
         <p>Named means: the exact recipients at log10 false alarm of at most -9, {}, all trials counted; z is the lowest of \
         those named. Green meets what is asked, red does not. \"No mark found\" never means innocent.</p>",
        escaped(&summary(settings, table)),
        if settings.informed.is_some() { "with the originals" } else { "blind" },
    );
    html += &html_table(table);
    let plots = [
        (
            "Detection statistic after each attack, all pictures; the bar is what an attribution needs",
            strips(table),
        ),
        ("Strength against quality: z of the untouched copy over its PSNR", quality_plot(lines)),
    ];
    for (caption, plot) in plots {
        let svg = plot.map_err(|error| format!("a plot could not be drawn: {error}"))?;
        let _ = write!(html, "<figure>{svg}<figcaption>{caption}.</figcaption></figure>");
    }
    html += "</body></html>\n";
    Ok(html)
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn html_table(table: &Table) -> String {
    let mut html = "<table><thead><tr><th>asked</th><th>attack</th>".to_owned();
    table.classes.iter().for_each(|class| html += &format!("<th>{}</th>", escaped(class)));
    html += "<th>s/MP</th></tr></thead><tbody>";
    for row in table.rows.iter().filter(|row| !row.cells.is_empty()) {
        let asked = if row.demand == Demand::None {
            String::new()
        } else {
            format!("{:.0} %", row.demand.share() * 100.0)
        };
        let _ = write!(html, "<tr><td>{asked}</td><td>{}</td>", escaped(&row.name));
        for class in &table.classes {
            let cell = row.cells.get(class);
            let state = match cell {
                Some(cell) if row.demand != Demand::None => {
                    if cell.meets(row.demand) {
                        "met"
                    } else {
                        "missed"
                    }
                }
                _ => "",
            };
            let _ = write!(html, "<td class=\"{state}\">{}</td>", cell.map_or_else(String::new, Cell::words));
        }
        let pace = row.seconds_per_megapixel.map_or_else(String::new, |pace| format!("{pace:.2}"));
        let _ = write!(html, "<td>{pace}</td></tr>");
    }
    for (name, words) in QUALITIES {
        let _ = write!(html, "<tr><td></td><td>{}</td>", name.replace('`', ""));
        for class in &table.classes {
            let _ = write!(
                html,
                "<td>{}</td>",
                table.quality.get(class).map_or_else(String::new, |all| words(all))
            );
        }
        html += "<td></td></tr>";
    }
    html += "</tbody></table>";
    if !table.attackers.is_empty() {
        html += "<h2>Attackers who hold many copies and no key</h2><table><tbody>";
        for (name, cell) in &table.attackers {
            let _ = write!(html, "<tr><td>{}</td><td>{}</td></tr>", escaped(name), cell.words());
        }
        html += "</tbody></table>";
    }
    html
}

type Drawn = Result<String, Box<dyn std::error::Error>>;

/// z of every named copy, a line of dots to each attack.
fn strips(table: &Table) -> Drawn {
    let rows: Vec<_> = table.rows.iter().filter(|row| row.cells.values().any(|cell| cell.of > 0)).collect();
    let most = rows.iter().flat_map(|row| row.cells.values()).flat_map(|cell| cell.z.last().copied());
    let most = most.fold(10.0, f64::max);
    let mut svg = String::new();
    {
        let high = 18 * rows.len() as u32 + 60;
        let area = SVGBackend::with_string(&mut svg, (1000, high)).into_drawing_area();
        area.fill(&WHITE)?;
        let mut chart = ChartBuilder::on(&area)
            .margin(8)
            .y_label_area_size(270)
            .x_label_area_size(28)
            .build_cartesian_2d(0.0..most * 1.03, 0.0..rows.len() as f64)?;
        let name = |v: &f64| {
            rows.get(rows.len() - 1 - (*v as usize).min(rows.len() - 1))
                .map_or_else(String::new, |row| row.name.clone())
        };
        chart.configure_mesh().disable_y_mesh().y_labels(0).x_desc("z").draw()?;
        for (i, row) in rows.iter().enumerate() {
            let y = (rows.len() - 1 - i) as f64 + 0.5;
            let style = TextStyle::from(("sans-serif", 12).into_font());
            area.draw_text(&name(&(rows.len() as f64 - 1.0 - i as f64)), &style, (8, 8 + 18 * i as i32 + 4))?;
            for (k, cell) in row.cells.values().enumerate() {
                let dots =
                    cell.z.iter().map(|z| Circle::new((*z, y), 3, Palette99::pick(k).mix(0.6).filled()));
                chart.draw_series(dots)?;
            }
        }
        // With the trials of a full search an attribution needs a z of about 7.9.
        chart.draw_series([PathElement::new(vec![(7.9, 0.0), (7.9, rows.len() as f64)], BLACK.mix(0.5))])?;
        area.present()?;
    }
    Ok(svg)
}

/// Each picture once: PSNR of the mark, and z of the copy as it was handed out.
fn quality_plot(lines: &[Line]) -> Drawn {
    let z_of = |picture: &str| {
        lines.iter().find(|line| line.picture == picture && line.row == "none").and_then(|line| {
            match line.outcome {
                Some(Outcome::Named { z, .. }) => Some(z),
                _ => None,
            }
        })
    };
    let points: Vec<(f64, f64, &str)> = lines
        .iter()
        .filter_map(|line| Some((line.quality?.psnr_db, z_of(&line.picture)?, line.class.as_str())))
        .collect();
    let bound = |pick: fn(f64, f64) -> f64, start: f64, of: fn(&(f64, f64, &str)) -> f64| {
        points.iter().map(of).fold(start, pick)
    };
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, (1000, 420)).into_drawing_area();
        area.fill(&WHITE)?;
        let left = bound(f64::min, 45.0, |p| p.0) - 0.5;
        let right = bound(f64::max, 46.0, |p| p.0) + 0.5;
        let top = bound(f64::max, 10.0, |p| p.1) * 1.05;
        let mut chart = ChartBuilder::on(&area)
            .margin(8)
            .y_label_area_size(50)
            .x_label_area_size(32)
            .build_cartesian_2d(left..right, 0.0..top)?;
        chart.configure_mesh().x_desc("PSNR, dB").y_desc("z").draw()?;
        let mut classes: Vec<&str> = points.iter().map(|point| point.2).collect();
        classes.sort_unstable();
        classes.dedup();
        for (k, class) in classes.iter().enumerate() {
            let colour = Palette99::pick(k).mix(0.8);
            let dots = points.iter().filter(|point| point.2 == *class);
            chart
                .draw_series(dots.map(|point| Circle::new((point.0, point.1), 4, colour.filled())))?
                .label(*class)
                .legend(move |(x, y)| Circle::new((x + 8, y), 4, Palette99::pick(k).filled()));
        }
        chart
            .configure_series_labels()
            .border_style(BLACK.mix(0.4))
            .background_style(WHITE.mix(0.9))
            .draw()?;
        area.present()?;
    }
    Ok(svg)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop")]

    use super::*;
    use crate::bench::{BASIC, Quality, Tiers};
    use tiermark_mark::Strength;

    #[test]
    fn three_files_hold_the_same_outcomes() {
        let folder = tempfile::tempdir().unwrap();
        let settings = Settings {
            seed: 1,
            attacks: BASIC.to_vec(),
            tiers: Tiers::One,
            strength: ("standard".to_owned(), Strength::STANDARD),
            informed: None,
        };
        let quality = Quality {
            psnr_db: 47.0,
            ssim: 0.999,
            ssimulacra2: Some(91.0),
            flat_change: Some(1.0),
            growth: 1.5,
            refused_at: None,
        };
        let lines = [
            Line::new("a <b>.png:00", "line", "none")
                .of_outcome(Outcome::Named { z: 31.5, log10: -200.0 })
                .timed(0.1, 2.0),
            Line::new("a <b>.png:00", "line", "jpeg-75").of_outcome(Outcome::Nothing { z: None }),
            Line::new("a <b>.png:00", "line", "quality").of_quality(quality),
            Line::new("a <b>.png:00", "line", "unmarked").of_outcome(Outcome::Nothing { z: None }),
        ];
        let table = Table::of(&lines, &settings);
        write(folder.path(), &settings, &table, &lines).unwrap();
        let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
        assert_eq!(read("table.csv").lines().count(), 5);
        assert!(
            read("table.csv")
                .contains("\"a <b>.png:00\",\"line\",none,named,31.5000,-200.0000,0.1000,2.0000,")
        );
        assert!(read("table.md").contains("1/1, z >= 31.5") && read("table.md").contains("below 300.00 %"));
        let page = read("index.html");
        assert!(
            page.contains("<td class=\"met\">1/1, z &gt;= 31.5</td>")
                || page.contains("<td class=\"met\">1/1, z >= 31.5</td>")
        );
        assert!(page.contains("<td class=\"missed\">0/1</td>") && page.matches("<svg").count() == 2);
        assert!(!page.contains("http://") || page.contains("www.w3.org"), "nothing is loaded from elsewhere");
    }
}
