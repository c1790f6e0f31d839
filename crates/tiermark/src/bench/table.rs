//! The measurements as a table for people.

use std::collections::{BTreeMap, BTreeSet};

use super::attackers::CLASS as ATTACKERS;
use super::{CONTROLS, Demand, Innocent, Line, Outcome, Quality, Settings};

/// Outcomes of one attack in one class.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Cell {
    /// Pictures whose recipients were all named.
    pub named: usize,
    /// Pictures.
    pub of: usize,
    /// Wrong names.
    pub wrong: usize,
    /// Of those named, pictures whose original was named by hand.
    pub by_hand: usize,
    /// The statistics of those named, lowest first.
    pub z: Vec<f64>,
}

/// One attack or control, with a cell to each class that has it.
#[derive(Clone, Debug)]
pub struct Row {
    /// What was done.
    pub name: String,
    /// Its short name.
    pub slug: String,
    /// What is asked of it.
    pub demand: Demand,
    /// Class to outcomes.
    pub cells: BTreeMap<String, Cell>,
    /// Median of seconds of reading for each megapixel.
    pub seconds_per_megapixel: Option<f64>,
}

/// Attacks by class.
#[derive(Clone, Debug, Default)]
pub struct Table {
    /// Classes, as columns.
    pub classes: Vec<String>,
    /// Attacks in the order of the table, then controls.
    pub rows: Vec<Row>,
    /// Attackers who hold many copies and no key: each attacks one copy.
    pub attackers: Vec<(String, Cell)>,
    /// What the marked pictures of each class look like.
    pub quality: BTreeMap<String, Vec<Quality>>,
    /// The scores of recipients who had no part, where they were asked for.
    pub innocent: Innocent,
}

impl Table {
    /// Count the lines of a journal.
    pub fn of(lines: &[Line], settings: &Settings) -> Self {
        let mut table = Self::default();
        let attacks = settings.attacks.iter();
        let named: Vec<(String, String, Demand)> =
            attacks.map(|attack| (attack.slug(), attack.to_string(), settings.demand(attack))).collect();
        table.innocent =
            lines.iter().filter_map(|line| line.innocent).fold(table.innocent, |a, b| a.with(&b));
        let controls = CONTROLS.map(|row| {
            let name = if row == CONTROLS[0] { "unmarked" } else { "another studio's" };
            (row.to_owned(), name.to_owned(), Demand::None)
        });
        for (slug, name, demand) in named.into_iter().chain(controls) {
            let of_row: Vec<&Line> = lines.iter().filter(|line| line.row == slug).collect();
            let mut cells: BTreeMap<String, Cell> = BTreeMap::new();
            for line in &of_row {
                if let Some(outcome) = line.outcome {
                    let cell = cells.entry(line.class.clone()).or_default();
                    cell.by_hand += usize::from(line.by_hand && matches!(outcome, Outcome::Named { .. }));
                    cell.count(outcome);
                }
            }
            cells.values_mut().for_each(|cell| cell.z.sort_by(f64::total_cmp));
            let mut pace: Vec<f64> =
                of_row.iter().filter_map(|line| Some(line.seconds? / line.megapixels?)).collect();
            pace.sort_by(f64::total_cmp);
            let seconds_per_megapixel = pace.get(pace.len() / 2).copied();
            table.rows.push(Row { name, slug, demand, cells, seconds_per_megapixel });
        }
        for line in lines {
            if let Some(quality) = line.quality {
                table.quality.entry(line.class.clone()).or_default().push(quality);
            }
        }
        for line in lines.iter().filter(|line| line.class == ATTACKERS) {
            let mut cell = Cell::default();
            line.outcome.into_iter().for_each(|outcome| cell.count(outcome));
            table.attackers.push((line.row.replace('-', " "), cell));
        }
        let classes: BTreeSet<&String> = table.rows.iter().flat_map(|row| row.cells.keys()).collect();
        table.classes = classes.into_iter().cloned().collect();
        table
    }

    /// Wrong names in the whole table.
    pub fn wrong(&self) -> usize {
        let attackers = self.attackers.iter().map(|(_, cell)| cell);
        self.rows.iter().flat_map(|row| row.cells.values()).chain(attackers).map(|cell| cell.wrong).sum()
    }

    /// All cells of one class and one demand as one.
    fn together(&self, class: &str, demand: Demand) -> Cell {
        let rows = self.rows.iter().filter(|row| row.demand == demand);
        rows.filter_map(|row| row.cells.get(class)).fold(Cell::default(), Cell::with)
    }

    /// The table in a few rows, for the first page of a project: what is asked, and what came of it in each class.
    pub fn digest(&self) -> String {
        let mut text = format!(
            "| asked | changes | {} |\n|---|---|{}\n",
            self.classes.join(" | "),
            "---|".repeat(self.classes.len())
        );
        for demand in [Demand::All, Demand::Most, Demand::Many] {
            let count = self.rows.iter().filter(|row| row.demand == demand && !row.cells.is_empty()).count();
            if count == 0 {
                continue;
            }
            let cells = self.classes.iter().map(|class| match self.together(class, demand) {
                Cell { of: 0, .. } => String::new(),
                cell => cell.words(),
            });
            let cells: Vec<String> = cells.collect();
            text += &format!("| {:.0} % | {count} | {} |\n", demand.share() * 100.0, cells.join(" | "));
        }
        text + &self.qualities("| |")
    }

    fn qualities(&self, head: &str) -> String {
        let row = |(name, words): &(&str, Words)| {
            let of = |class: &String| self.quality.get(class).map_or_else(String::new, |all| words(all));
            let cells: Vec<String> = self.classes.iter().map(of).collect();
            format!("{head} {name} | {} |\n", cells.join(" | "))
        };
        QUALITIES.iter().map(row).collect()
    }

    /// Searches in which nobody may be named, and how many named somebody.
    pub fn false_alarms(&self) -> (usize, usize) {
        let controls = self.rows.iter().filter(|row| CONTROLS.contains(&row.slug.as_str()));
        controls
            .flat_map(|row| row.cells.values())
            .fold((0, 0), |(of, wrong), c| (of + c.of, wrong + c.wrong))
    }

    /// Cells below what is asked of them.
    pub fn missed(&self) -> Vec<(&Row, &str, &Cell)> {
        let all =
            self.rows.iter().flat_map(|row| row.cells.iter().map(move |(class, cell)| (row, class, cell)));
        all.filter(|(row, class, cell)| counts(class) && !cell.meets(row.demand))
            .map(|(row, class, cell)| (row, class.as_str(), cell))
            .collect()
    }

    /// The table in Markdown: named of all, lowest z; a wrong name is shouted, a cell below its demand is bold.
    pub fn markdown(&self) -> String {
        let mut text = format!(
            "| asked | attack | {} | s/MP |\n|---|---|{}---|\n",
            self.classes.join(" | "),
            "---|".repeat(self.classes.len())
        );
        for row in self.rows.iter().filter(|row| !row.cells.is_empty()) {
            let cell = |class: &String| match row.cells.get(class) {
                None => String::new(),
                Some(cell) if counts(class) && !cell.meets(row.demand) => format!("**{}**", cell.words()),
                Some(cell) => cell.words(),
            };
            let cells: Vec<String> = self.classes.iter().map(cell).collect();
            let asked = match row.demand {
                Demand::None => String::new(),
                demand => format!("{:.0} %", demand.share() * 100.0),
            };
            let pace = row.seconds_per_megapixel.map_or_else(String::new, |pace| format!("{pace:.2}"));
            text += &format!("| {asked} | {} | {} | {pace} |\n", row.name, cells.join(" | "));
        }
        text += &self.qualities("| |").replace(" |\n", " | |\n");
        if !self.attackers.is_empty() {
            text += "\n| attacker without the key | named |\n|---|---|\n";
            self.attackers
                .iter()
                .for_each(|(name, cell)| text += &format!("| {name} | {} |\n", cell.words()));
        }
        text
    }
}

type Words = fn(&[Quality]) -> String;

/// What is said of the marked pictures themselves.
pub(super) const QUALITIES: [(&str, Words); 6] = [
    ("lowest PSNR, dB", |all| in_words(least(all, |q| Some(q.psnr_db)), 1)),
    ("lowest SSIM", |all| in_words(least(all, |q| Some(q.ssim)), 4)),
    ("lowest SSIMULACRA 2", |all| in_words(least(all, |q| q.ssimulacra2), 1)),
    ("largest change on flats", |all| in_words(-least(all, |q| q.flat_change.map(|v| -f64::from(v))), 0)),
    ("median growth over the original file", |all| {
        let mut growths: Vec<f64> = all.iter().map(|quality| quality.growth).collect();
        growths.sort_by(f64::total_cmp);
        format!("{:.2}", growths[growths.len() / 2])
    }),
    ("refused by `stamp`", |all| {
        format!("{}/{}", all.iter().filter(|quality| quality.refused_at.is_some()).count(), all.len())
    }),
];

fn least(all: &[Quality], of: impl Fn(&Quality) -> Option<f64>) -> f64 {
    all.iter().filter_map(of).fold(f64::INFINITY, f64::min)
}

fn in_words(value: f64, decimals: usize) -> String {
    if value.is_finite() { format!("{value:.decimals$}") } else { "-".to_owned() }
}

/// Small frames and what is erased on white paper are counted apart: nothing is asked of them.
fn counts(class: &str) -> bool {
    !class.ends_with(')')
}

impl Cell {
    fn count(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::Named { z, .. } => {
                self.named += 1;
                self.z.push(z);
            }
            Outcome::Wrong { .. } => self.wrong += 1,
            Outcome::Nothing { .. } | Outcome::Partly { .. } => {}
            Outcome::Skipped => return,
        }
        self.of += 1;
    }

    fn with(mut self, other: &Self) -> Self {
        self.named += other.named;
        self.of += other.of;
        self.wrong += other.wrong;
        self.by_hand += other.by_hand;
        self.z.extend(&other.z);
        self.z.sort_by(f64::total_cmp);
        self
    }

    /// Whether as many are named as are asked for; of few frames as many as whole frames allow, at least.
    pub fn meets(&self, demand: Demand) -> bool {
        self.wrong == 0 && self.named as f64 >= (demand.share() * self.of as f64).floor()
    }

    /// Named of all, and the lowest statistic.
    pub fn words(&self) -> String {
        let z = self.z.first().map_or_else(String::new, |z| format!(", z >= {z:.1}"));
        let wrong = if self.wrong > 0 { format!(", {} WRONG", self.wrong) } else { String::new() };
        let by_hand = if self.by_hand > 0 { format!(", {} by hand", self.by_hand) } else { String::new() };
        format!("{}/{}{z}{by_hand}{wrong}", self.named, self.of)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::{Attack, Tiers};

    #[test]
    fn cells_count_and_shout() {
        let mut cell = Cell::default();
        for outcome in [
            Outcome::Named { z: 12.0, log10: -20.0 },
            Outcome::Named { z: 20.0, log10: -80.0 },
            Outcome::Nothing { z: None },
            Outcome::Skipped,
        ] {
            cell.count(outcome);
        }
        assert_eq!(cell.words(), "2/3, z >= 12.0");
        assert!(cell.meets(Demand::None) && cell.meets(Demand::Many) && !cell.meets(Demand::All));
        cell.count(Outcome::Wrong { z: 9.0 });
        assert_eq!(cell.words(), "2/4, z >= 12.0, 1 WRONG");
        assert!(!cell.meets(Demand::None));
    }

    #[test]
    fn rows_stand_in_the_order_of_the_table_and_missed_ones_are_known() {
        let line = |row: &str, outcome| Line::new("a.png:00", "line", row).of_outcome(outcome);
        let named = Outcome::Named { z: 20.0, log10: -80.0 };
        let lines = [
            line("jpeg-75", Outcome::Nothing { z: None }).timed(0.4, 2.0),
            line("none", named),
            Line::new("all", ATTACKERS, "mean-of-32").of_outcome(named),
            line("unmarked", Outcome::Nothing { z: None }),
        ];
        let settings = Settings {
            seed: 1,
            attacks: vec![Attack::None, Attack::Jpeg(75)],
            tiers: Tiers::One,
            strength: ("standard".to_owned(), tiermark_mark::Strength::STANDARD),
            informed: None,
        };
        let table = Table::of(&lines, &settings);
        let names: Vec<&str> = table.rows.iter().map(|row| row.name.as_str()).collect();
        assert_eq!(names, ["none", "JPEG 75", "unmarked", "another studio's"]);
        assert_eq!(table.attackers.len(), 1);
        assert!(table.digest().contains("| 100 % | 2 | 1/2, z >= 20.0 |"), "{}", table.digest());
        assert_eq!(table.missed().len(), 1);
        assert_eq!((table.false_alarms(), table.wrong()), ((1, 0), 0));
        assert_eq!(table.rows[1].seconds_per_megapixel, Some(0.2));
        assert!(table.markdown().contains("| 100 % | JPEG 75 | **0/1** | 0.20 |"), "{}", table.markdown());
    }
}
