//! Every codec and container that is written back.

use std::path::{Path, PathBuf};

use tiermark_frame::Limits;
use tiermark_frame::clip::{Clip, ClipDigest, ClipWriter, Frames, Want};

use super::{FRAMES, make, probe, run};

/// Move all luma by `by` code values and write the clip back.
fn moved(path: &Path, target: &Path, by: f32) {
    let clip = probe(path).unwrap();
    let limits = Limits::default();
    let steady = clip.steady(path, &limits).unwrap();
    let mut writer = ClipWriter::start(path, target, (&clip, steady), None, &limits).unwrap();
    let mut frames = Frames::open(path, &clip, Want::Native, &limits).unwrap();
    while let Some(frame) = frames.next_frame().unwrap() {
        let mut row = vec![0.0; frame.size().width];
        for y in 0..frame.size().height {
            frame.luma_row(y, &mut row);
            row.iter_mut().for_each(|v| *v += by);
            frame.paint_luma(y, &row);
        }
        writer = writer.write(frame).unwrap();
    }
    assert_eq!(frames.count(), steady.frames);
    writer.finish().unwrap();
    assert_eq!(clip.lost_in(&probe(target).unwrap()), None);
}

fn mean_luma(path: &Path, want: Want) -> (f64, u64) {
    let clip = probe(path).unwrap();
    let mut frames = Frames::open(path, &clip, want, &Limits::default()).unwrap();
    let mut sum = 0.0;
    while let Some(frame) = frames.next_frame().unwrap() {
        let luma = frame.luma();
        sum += luma.samples().iter().map(|v| f64::from(*v)).sum::<f64>() / luma.samples().len() as f64;
    }
    (sum / frames.count() as f64, frames.count())
}

/// What ffprobe says of a clip's streams that must not change.
fn told(path: &Path) -> String {
    let what = "stream=index,codec_name,codec_type,codec_tag_string,profile,width,height,sample_aspect_ratio,pix_fmt,\
        color_range,color_space,color_transfer,color_primaries,field_order,r_frame_rate,time_base,start_pts\
        :stream_tags=language,timecode,title,rotate:stream_disposition:stream_side_data=rotation:format_tags=title,comment,timecode:chapter";
    let folder = path.parent().unwrap();
    run("ffprobe", &["-v", "error", "-show_entries", what, "-of", "compact", path.to_str().unwrap()], folder)
}

/// Digests of all packets of all streams but the pictures.
fn copied(path: &Path) -> String {
    let folder = path.parent().unwrap();
    let all = [
        "-v",
        "error",
        "-i",
        path.to_str().unwrap(),
        "-map",
        "0",
        "-map",
        "-0:V",
        "-map",
        "-0:d",
        "-c",
        "copy",
        "-f",
        "streamhash",
        "-",
    ];
    run("ffmpeg", &all, folder)
}

const COLOURS: &str = "setparams=range=tv:color_primaries=bt709:color_trc=bt709:colorspace=bt709";

/// Name, settings of ffmpeg, and how far the mean of luma may be off after the codec, code values.
const CLIPS: &[(&str, &[&str], f64)] = &[
    (
        "h264.mp4",
        &[
            "-vf",
            COLOURS,
            "-c:v",
            "libx264",
            "-preset",
            "veryfast",
            "-pix_fmt",
            "yuv420p",
            "-c:a",
            "aac",
            "-metadata",
            "title=A walk",
        ],
        0.2,
    ),
    (
        "h264_10.mov",
        &["-vf", COLOURS, "-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv422p10le", "-c:a", "aac"],
        0.2,
    ),
    (
        "intra.mov",
        &[
            "-c:v",
            "libx264",
            "-preset",
            "veryfast",
            "-g",
            "1",
            "-pix_fmt",
            "yuv420p",
            "-c:a",
            "pcm_s16le",
            "-timecode",
            "10:11:12:13",
        ],
        0.2,
    ),
    (
        "h265.mp4",
        &[
            "-vf",
            COLOURS,
            "-c:v",
            "libx265",
            "-preset",
            "ultrafast",
            "-x265-params",
            "log-level=none",
            "-tag:v",
            "hvc1",
            "-pix_fmt",
            "yuv420p10le",
            "-c:a",
            "aac",
        ],
        0.2,
    ),
    (
        "h265.mkv",
        &[
            "-c:v",
            "libx265",
            "-preset",
            "ultrafast",
            "-x265-params",
            "log-level=none",
            "-pix_fmt",
            "yuv420p",
            "-c:a",
            "flac",
            "-metadata:s:a:0",
            "title=Sine",
            "-metadata:s:a:0",
            "language=fra",
        ],
        0.2,
    ),
    (
        "hq.mov",
        &[
            "-vf",
            COLOURS,
            "-c:v",
            "prores_ks",
            "-profile:v",
            "hq",
            "-pix_fmt",
            "yuv422p10le",
            "-c:a",
            "pcm_s24le",
            "-timecode",
            "01:00:00:00",
        ],
        0.1,
    ),
    (
        "4444.mov",
        &["-c:v", "prores_ks", "-profile:v", "4444", "-pix_fmt", "yuva444p10le", "-c:a", "pcm_s24le"],
        0.1,
    ),
    (
        "hqx.mov",
        &[
            "-vf",
            COLOURS,
            "-c:v",
            "dnxhd",
            "-profile:v",
            "dnxhr_hqx",
            "-pix_fmt",
            "yuv422p10le",
            "-c:a",
            "pcm_s24le",
            "-timecode",
            "01:00:00:00",
        ],
        0.1,
    ),
    ("sq.mov", &["-c:v", "dnxhd", "-profile:v", "dnxhr_sq", "-pix_fmt", "yuv422p", "-c:a", "pcm_s16le"], 0.2),
    (
        "ffv1.mkv",
        &[
            "-vf",
            "setsar=16/15",
            "-c:v",
            "ffv1",
            "-level",
            "3",
            "-pix_fmt",
            "yuv444p12le",
            "-c:a",
            "flac",
            "-timecode",
            "01:00:00:00",
        ],
        0.0,
    ),
    ("full.mkv", &["-c:v", "ffv1", "-pix_fmt", "yuvj420p", "-c:a", "flac"], 0.0),
    ("utvideo.avi", &["-c:v", "utvideo", "-pix_fmt", "yuv422p", "-c:a", "pcm_s16le"], 0.0),
];

#[test]
fn what_is_not_luma_comes_back_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    for (name, settings, loss) in CLIPS {
        let path = make(folder.path(), name, settings);
        let target = folder.path().join(format!("moved {name}"));
        moved(&path, &target, 2.0);
        assert_eq!(told(&path), told(&target), "{name}");
        assert_eq!(copied(&path), copied(&target), "{name}");
        let ((before, frames), (after, count)) =
            (mean_luma(&path, Want::Native), mean_luma(&target, Want::Native));
        assert_eq!(frames, count, "{name}");
        for want in [Want::Grey, Want::Small] {
            let (seen, _) = mean_luma(&path, want);
            assert!((seen - before).abs() < 0.7, "{name}: {seen} seen as {want:?}, {before} stored");
        }
        // What is white or black already stays, and two of 255 are two of 219 where those are stored.
        let by = after - before;
        assert!(by > 1.0 - loss && by < 2.4 + loss, "{name}: luma moved by {by:.3}");
    }
}

#[test]
fn a_clip_that_is_written_as_it_was_has_its_values_where_its_codec_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let digest = |path: &PathBuf| {
        let clip = probe(path).unwrap();
        let mut digest = ClipDigest::new(clip.size(), clip.pixels().unwrap());
        let mut frames = Frames::open(path, &clip, Want::Native, &Limits::default()).unwrap();
        while let Some(frame) = frames.next_frame().unwrap() {
            digest.add(frame);
        }
        digest.finish()
    };
    for (name, settings, _) in CLIPS.iter().filter(|(_, _, loss)| *loss == 0.0) {
        let path = make(folder.path(), name, settings);
        let target = folder.path().join(format!("same {name}"));
        moved(&path, &target, 0.0);
        assert_eq!(digest(&path), digest(&target), "{name}");
    }
}

#[test]
fn the_same_frames_give_the_same_file() {
    let folder = tempfile::tempdir().unwrap();
    for (name, settings, _) in &CLIPS[..4] {
        let path = make(folder.path(), name, settings);
        let [one, other] = ["one", "other"].map(|prefix| folder.path().join(format!("{prefix} {name}")));
        moved(&path, &one, 1.0);
        moved(&path, &other, 1.0);
        assert!(std::fs::read(one).unwrap() == std::fs::read(other).unwrap(), "{name}");
    }
}

#[test]
fn a_clip_with_chapters_covers_and_subtitles_keeps_them() {
    let folder = tempfile::tempdir().unwrap();
    let chapters = ";FFMETADATA1\ntitle=Both\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=300\ntitle=One\n\
        [CHAPTER]\nTIMEBASE=1/1000\nSTART=300\nEND=750\ntitle=Two\n";
    std::fs::write(folder.path().join("chapters"), chapters).unwrap();
    std::fs::write(folder.path().join("s.srt"), "1\n00:00:00,100 --> 00:00:00,600\nHello\n").unwrap();
    let cover = ["-v", "error", "-f", "lavfi", "-i", "color=red:size=16x16", "-frames:v", "1", "cover.png"];
    run("ffmpeg", &cover, folder.path());
    let plain = make(folder.path(), "plain.mp4", CLIPS[0].1);
    let more =
        ["-v", "error", "-i", plain.to_str().unwrap(), "-i", "chapters", "-i", "s.srt", "-i", "cover.png"];
    let maps =
        ["-map", "0", "-map", "2", "-map", "3", "-map_metadata", "1", "-c", "copy", "-c:s", "mov_text"];
    let tags = ["-disposition:v:1", "attached_pic", "rich.mp4"];
    run("ffmpeg", &[&more[..], &maps, &tags].concat(), folder.path());
    let path = folder.path().join("rich.mp4");
    let target = folder.path().join("moved.mp4");
    assert!(told(&path).contains("title=Two"), "{}", told(&path));
    moved(&path, &target, 2.0);
    assert_eq!(told(&path), told(&target));
    assert_eq!(copied(&path), copied(&target));
}

#[test]
fn what_cannot_be_kept_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let limits = Limits::default();
    let refused = |clip: &Clip, path: &Path| {
        let steady = clip.steady(path, &limits).unwrap();
        ClipWriter::writable(clip, steady, None).unwrap_err().to_string()
    };
    for (name, settings, word) in [
        ("mpeg4.mp4", &["-c:v", "mpeg4", "-c:a", "aac"][..], "mpeg4"),
        ("rgb.mov", &["-c:v", "qtrle", "-c:a", "pcm_s16le"], "rgb24"),
        (
            "field.mov",
            &["-c:v", "prores_ks", "-flags", "+ildct", "-vf", "setfield=tff", "-c:a", "pcm_s16le"],
            "interlaced",
        ),
    ] {
        let path = make(folder.path(), name, settings);
        let clip = probe(&path).unwrap();
        let reason = refused(&clip, &path);
        assert!(reason.contains(word), "{name}: {reason}");
        // It can be looked at all the same.
        assert_eq!(mean_luma(&path, Want::Grey).1, FRAMES, "{name}");
    }
    let path = make(folder.path(), "mpeg4.mp4", &["-c:v", "mpeg4", "-c:a", "aac"]);
    let clip = probe(&path).unwrap();
    let steady = clip.steady(&path, &limits).unwrap();
    ClipWriter::writable(&clip, steady, Some("libx264 -crf 18")).unwrap();
    let uneven = make(
        folder.path(),
        "uneven.mp4",
        &["-vf", "select='not(eq(n,7)+eq(n,9))'", "-vsync", "vfr", "-c:v", "libx264", "-c:a", "aac"],
    );
    let reason = probe(&uneven).unwrap().steady(&uneven, &limits).unwrap_err().to_string();
    assert!(reason.contains("varying frame rate"), "{reason}");
}
