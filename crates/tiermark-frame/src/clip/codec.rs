//! The encoder that gives a clip its own codec back.

use super::probe::Clip;
use super::steady::Steady;
use crate::FrameError;

/// What ffmpeg is told about the encoder: its name, then its options.
///
/// Settings that cost a generation are chosen so that the mark outlives them and nothing is to be seen: see
/// `docs/decisions/0026-clips.md` for what was measured.
///
/// # Errors
/// [`FrameError::ReadOnly`] for codecs that are not written back.
pub(super) fn settings(clip: &Clip, steady: Steady, asked: Option<&str>) -> Result<Vec<String>, FrameError> {
    if let Some(asked) = asked {
        return own(asked);
    }
    let profile = clip.picture.profile.as_str();
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    // Frame threads change what comes out: so many, whatever the machine has.
    let group = steady.group.clamp(1, MOST_GROUP).to_string();
    let mut settings = match clip.codec() {
        "h264" => {
            let (profile, intra) = h264(profile)?;
            let group = if intra { "1" } else { &group };
            words(&[
                "libx264",
                "-preset",
                "medium",
                "-crf",
                CRF,
                "-profile:v",
                profile,
                "-threads",
                "4",
                "-g",
                group,
            ])
        }
        "hevc" => {
            let profile = hevc(profile)?;
            let inner = "log-level=error:frame-threads=2";
            words(&[
                "libx265",
                "-preset",
                "medium",
                "-crf",
                CRF,
                "-profile:v",
                profile,
                "-x265-params",
                inner,
                "-g",
                &group,
            ])
        }
        "prores" => words(&["prores_ks", "-profile:v", prores(profile)?, "-vendor", "apl0"]),
        "dnxhd" => match dnx(profile)? {
            Some(profile) => words(&["dnxhd", "-profile:v", profile]),
            None => {
                let rate = clip.picture.bit_rate.unwrap_or(0).saturating_add(500_000) / 1_000_000;
                words(&["dnxhd", "-b:v", &format!("{rate}M")])
            }
        },
        "ffv1" => words(&["ffv1", "-level", "3", "-g", &group, "-slicecrc", "1", "-threads", "4"]),
        name @ ("huffyuv" | "ffvhuff" | "utvideo") => words(&[name]),
        name => {
            return Err(refused(&format!(
                "a clip in {}",
                if name.is_empty() { "an unknown codec" } else { name }
            )));
        }
    };
    if clip.codec() == "h264" && clip.picture.b_frames == 0 {
        settings.extend(words(&["-bf", "0"]));
    }
    // `hvc1` is what QuickTime plays, and ffmpeg would write the other one.
    if clip.codec() == "hevc" && matches!(clip.picture.tag.as_str(), "hvc1" | "hev1") {
        settings.extend(["-tag:v".to_owned(), clip.picture.tag.clone()]);
    }
    Ok(settings)
}

/// The constant quality of lossy codecs that predict.
const CRF: &str = "14";
/// The longest group of frames: ten seconds at most, however long the source's is.
const MOST_GROUP: u64 = 250;

/// The caller's own words, an encoder's name first.
fn own(asked: &str) -> Result<Vec<String>, FrameError> {
    let words: Vec<String> = asked.split_whitespace().map(str::to_owned).collect();
    match words.first() {
        Some(first) if !first.starts_with('-') => Ok(words),
        _ => Err(refused("a clip for which --codec does not begin with the name of an encoder")),
    }
}

fn refused(what: &str) -> FrameError {
    FrameError::ReadOnly {
        what: what.to_owned(),
        way_out: "--codec names an encoder of ffmpeg's and its options, as in --codec \"prores_ks -profile:v hq\"",
    }
}

/// The name for libx264, and whether every frame stands by itself.
fn h264(profile: &str) -> Result<(&'static str, bool), FrameError> {
    let (name, intra) = match profile.strip_suffix(" Intra") {
        Some(name) => (name, true),
        None => (profile, false),
    };
    let name = match name {
        "Constrained Baseline" | "Baseline" => "baseline",
        "Main" => "main",
        "High" | "Constrained High" | "Progressive High" => "high",
        "High 10" => "high10",
        "High 4:2:2" => "high422",
        "High 4:4:4 Predictive" => "high444",
        other => return Err(refused(&format!("a clip in H.264 {other}"))),
    };
    Ok((name, intra))
}

fn hevc(profile: &str) -> Result<&'static str, FrameError> {
    Ok(match profile {
        "Main" => "main",
        "Main 10" => "main10",
        other => return Err(refused(&format!("a clip in H.265 {other}"))),
    })
}

fn prores(profile: &str) -> Result<&'static str, FrameError> {
    Ok(match profile {
        "Proxy" => "proxy",
        "LT" => "lt",
        "Standard" => "standard",
        "HQ" => "hq",
        "4444" => "4444",
        "XQ" | "4444 XQ" => "4444xq",
        other => return Err(refused(&format!("a clip in ProRes {other}"))),
    })
}

/// The name for DNxHR; nothing for DNxHD, where the bit rate says it all.
fn dnx(profile: &str) -> Result<Option<&'static str>, FrameError> {
    Ok(Some(match profile {
        "DNXHR LB" => "dnxhr_lb",
        "DNXHR SQ" => "dnxhr_sq",
        "DNXHR HQ" => "dnxhr_hq",
        "DNXHR HQX" => "dnxhr_hqx",
        "DNXHR 444" => "dnxhr_444",
        "DNXHD" => return Ok(None),
        other => return Err(refused(&format!("a clip in {other}"))),
    }))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop")]

    use super::*;

    #[test]
    fn own_words_begin_with_a_name() {
        assert_eq!(own(" libx264  -crf 18").unwrap(), ["libx264", "-crf", "18"]);
        assert!(own("-i /etc/passwd").is_err());
        assert!(own("  ").is_err());
    }

    #[test]
    fn profiles_that_are_not_known_are_refused_by_name() {
        assert_eq!(h264("High 10 Intra").unwrap(), ("high10", true));
        assert!(h264("Scalable High").unwrap_err().to_string().contains("H.264 Scalable High"));
        assert!(hevc("Rext").unwrap_err().to_string().contains("--codec"));
        assert!(prores("6").is_err() && dnx("DNXHR HQX").unwrap() == Some("dnxhr_hqx"));
    }
}
