//! Register found pictures on their originals, and say how well.
//!
//! `cargo run --release --example register -- ORIGINAL FOUND [--truth H0,...,H8[,K1[,K2]]]`, or `-- --list FILE` with a
//! line `case class original found truth`, tabs between, for each pair; `-` where there is no truth. The truth is the
//! homography from original to found px, and the radial terms of the found picture about its middle in half widths.

#![allow(clippy::print_stdout, reason = "an example may speak")]

use std::collections::BTreeMap;
use std::time::Instant;

use tiermark_frame::{Frame, Limits};
use tiermark_signal::align::{Alignment, Prepared, register};
use tiermark_signal::{Homography, Plane, Size};

type Failure = Box<dyn std::error::Error>;

fn luma(name: &str) -> Result<Plane, Failure> {
    let frame = Frame::decode(std::fs::read(name)?, &Limits::default())?;
    let colours = frame.colours();
    let [r, g, b] = [0, 1, 2].map(|i: usize| &colours[i.min(colours.len() - 1)]);
    Ok(Plane::from_fn(r.size(), |x, y| 0.299 * r.at(x, y) + 0.587 * g.at(x, y) + 0.114 * b.at(x, y)))
}

/// Where each found pixel really was.
struct Truth {
    back: Homography,
    radial: [f64; 2],
}

impl Truth {
    fn parse(text: &str) -> Result<Self, Failure> {
        let v = text.split(',').map(str::parse).collect::<Result<Vec<f64>, _>>()?;
        let rows = [0, 3, 6].map(|i| [v[i], v[i + 1], v[i + 2]]);
        let back = Homography { rows }.inverse().ok_or("a truth that flattens the plane")?;
        Ok(Self { back, radial: [9, 10].map(|i| v.get(i).copied().unwrap_or(0.0)) })
    }

    /// The place in the original, and found px for one px there.
    fn at(&self, [x, y]: [f64; 2], size: Size) -> ([f64; 2], f64) {
        let (cx, cy, unit) =
            ((size.width as f64 - 1.0) / 2.0, (size.height as f64 - 1.0) / 2.0, size.width as f64 / 2.0);
        let r2 = ((x - cx) * (x - cx) + (y - cy) * (y - cy)) / (unit * unit);
        let f = 1.0 + self.radial[0] * r2 + self.radial[1] * r2 * r2;
        let straight = [cx + (x - cx) * f, cy + (y - cy) * f];
        let [[a, b], [c, d]] = self.back.jacobian(straight);
        (self.back.apply(straight), 1.0 / (a * d - b * c).abs().sqrt())
    }

    /// Rms and maximum error over a grid, found px.
    fn error(&self, alignment: &Alignment, original: Size, found: Size) -> (f64, f64) {
        let (mut sum, mut count, mut most) = (0.0, 0.0, 0.0_f64);
        for i in 0..61 * 61 {
            let at = |i: usize, n: usize| (i as f64 + 0.5) / 61.0 * n as f64 - 0.5;
            let point = [at(i % 61, found.width), at(i / 61, found.height)];
            let (want, scale) = self.at(point, found);
            let inside = (0.0..original.width as f64 - 1.0).contains(&want[0])
                && (0.0..original.height as f64 - 1.0).contains(&want[1]);
            if inside {
                let is = alignment.original_at(point);
                let e = (is[0] - want[0]).hypot(is[1] - want[1]) * scale;
                sum += e * e;
                count += 1.0;
                most = most.max(e);
            }
        }
        ((sum / f64::max(count, 1.0)).sqrt(), most)
    }
}

fn pair(original: &Prepared, name: &str, truth: &str) -> Result<String, Failure> {
    let found = Prepared::from(luma(name)?);
    let start = Instant::now();
    let all = register(original, &found);
    let seconds = start.elapsed().as_secs_f64();
    let Some(first) = all.first() else { return Ok(format!("none\t-\t-\t-\t{seconds:.2}\t-")) };
    let error = match truth {
        "-" => "-\t-".into(),
        truth => {
            let truth = Truth::parse(truth)?;
            let best = all.iter().map(|a| truth.error(a, original.size(), found.size()));
            let (rms, most) = best.min_by(|a, b| a.0.total_cmp(&b.0)).ok_or("there is a first")?;
            format!("{rms:.4}\t{most:.3}")
        }
    };
    let more = format!(
        "n={} alike={:.3} chance={:.3} inside={:.3} k={:.4} bend={}",
        all.len(),
        first.alike,
        first.by_chance,
        first.inside,
        first.lens.map_or(0.0, |l| l.k[0]),
        first.bend.is_some()
    );
    Ok(format!("found\t{error}\t{:.4}\t{seconds:.2}\t{more}", first.rms))
}

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["--list", list] => {
            let mut originals: BTreeMap<String, Prepared> = BTreeMap::new();
            for line in std::fs::read_to_string(list)?.lines() {
                let [case, class, original, found, truth] = line.split('\t').collect::<Vec<_>>()[..] else {
                    return Err("five columns".into());
                };
                if !originals.contains_key(original) {
                    let prepared = Prepared::from(luma(original)?);
                    prepared.features();
                    originals.insert(original.into(), prepared);
                }
                println!("{case}\t{class}\t{}\t{found}", pair(&originals[original], found, truth)?);
            }
        }
        [original, found] => println!("{}", pair(&Prepared::from(luma(original)?), found, "-")?),
        [original, found, "--truth", truth] => {
            println!("{}", pair(&Prepared::from(luma(original)?), found, truth)?);
        }
        _ => return Err("ORIGINAL FOUND [--truth H0,...,H8[,K1[,K2]]], or --list FILE".into()),
    }
    Ok(())
}
