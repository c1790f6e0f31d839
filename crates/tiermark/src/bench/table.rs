//! The measurements as a table for people.

use std::collections::BTreeMap;

use super::{Measured, Outcome};

/// Outcomes of one attack in one class.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Cell {
    /// Pictures whose recipient was named.
    pub named: usize,
    /// Pictures.
    pub of: usize,
    /// Wrong names.
    pub wrong: usize,
    /// The lowest statistic among those named.
    pub least_z: Option<f64>,
}

/// Attacks by class.
#[derive(Clone, Debug, Default)]
pub struct Table {
    /// Classes, as columns.
    pub classes: Vec<String>,
    /// Attacks in the order they ran, with a cell to each class.
    pub rows: Vec<(String, BTreeMap<String, Cell>)>,
    /// For each class: lowest PSNR, largest flat change, median growth.
    pub quality: BTreeMap<String, (f64, f32, f64)>,
    /// For each class: pictures that `stamp` would refuse, of all.
    pub refused: BTreeMap<String, (usize, usize)>,
}

impl Table {
    /// Count the outcomes.
    pub fn of(measured: &[Measured]) -> Self {
        let mut table = Self::default();
        let mut growths: BTreeMap<String, Vec<f64>> = BTreeMap::new();
        for one in measured {
            let class = one.class.clone();
            if !table.classes.contains(&class) {
                table.classes.push(class.clone());
            }
            for (attack, outcome) in &one.outcomes {
                table.cell(attack, &class).count(*outcome);
            }
            let refused = table.refused.entry(class.clone()).or_default();
            refused.0 += usize::from(one.refused_at.is_some());
            refused.1 += 1;
            let quality = table.quality.entry(class.clone()).or_insert((f64::INFINITY, 0.0, 1.0));
            quality.0 = quality.0.min(one.psnr_db);
            quality.1 = quality.1.max(one.flat_change.unwrap_or(0.0));
            growths.entry(class).or_default().push(one.growth);
        }
        for (class, mut growths) in growths {
            growths.sort_by(f64::total_cmp);
            if let Some(quality) = table.quality.get_mut(&class) {
                quality.2 = growths[growths.len() / 2];
            }
        }
        table.classes.sort();
        table
    }

    fn cell(&mut self, attack: &str, class: &str) -> &mut Cell {
        let row = match self.rows.iter().position(|(name, _)| name == attack) {
            Some(row) => row,
            None => {
                self.rows.push((attack.to_owned(), BTreeMap::new()));
                self.rows.len() - 1
            }
        };
        self.rows[row].1.entry(class.to_owned()).or_default()
    }

    /// The table in Markdown: named of all, lowest z; a wrong name is shouted.
    pub fn markdown(&self) -> String {
        let mut text = format!(
            "| attack | {} |\n|---|{}\n",
            self.classes.join(" | "),
            "---|".repeat(self.classes.len())
        );
        for (attack, cells) in &self.rows {
            let cells =
                self.classes.iter().map(|class| cells.get(class).map_or_else(String::new, Cell::words));
            text += &format!("| {attack} | {} |\n", cells.collect::<Vec<_>>().join(" | "));
        }
        let refused =
            |class: &String| self.refused.get(class).map_or_else(String::new, |(n, of)| format!("{n}/{of}"));
        let cells: Vec<String> = self.classes.iter().map(refused).collect();
        text += &format!("| refused by `stamp` | {} |\n", cells.join(" | "));
        let quality = |what: &str, word: &dyn Fn(&(f64, f32, f64)) -> String| {
            let cells =
                self.classes.iter().map(|class| self.quality.get(class).map_or_else(String::new, word));
            format!("| {what} | {} |\n", cells.collect::<Vec<_>>().join(" | "))
        };
        text += &quality("lowest PSNR, dB", &|q| format!("{:.1}", q.0));
        text += &quality("largest change on flats", &|q| format!("{:.0}", q.1));
        text += &quality("median growth over the original file", &|q| format!("{:.2}", q.2));
        text
    }

    /// Wrong names in the whole table.
    pub fn wrong(&self) -> usize {
        self.rows.iter().flat_map(|(_, cells)| cells.values()).map(|cell| cell.wrong).sum()
    }
}

impl Cell {
    fn count(&mut self, outcome: Outcome) {
        self.of += 1;
        match outcome {
            Outcome::Named { z, .. } => {
                self.named += 1;
                self.least_z = Some(self.least_z.map_or(z, |least| least.min(z)));
            }
            Outcome::Wrong { .. } => self.wrong += 1,
            Outcome::Nothing { .. } => {}
        }
    }

    fn words(&self) -> String {
        let z = self.least_z.map_or_else(String::new, |z| format!(", z >= {z:.1}"));
        let wrong = if self.wrong > 0 { format!(", {} WRONG", self.wrong) } else { String::new() };
        format!("{}/{}{z}{wrong}", self.named, self.of)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_count_and_shout() {
        let mut cell = Cell::default();
        for outcome in [
            Outcome::Named { z: 20.0, log10: -80.0 },
            Outcome::Named { z: 12.0, log10: -20.0 },
            Outcome::Nothing { z: None },
        ] {
            cell.count(outcome);
        }
        assert_eq!(cell.words(), "2/3, z >= 12.0");
        cell.count(Outcome::Wrong { z: 9.0 });
        assert_eq!(cell.words(), "2/4, z >= 12.0, 1 WRONG");
    }
}
