//! OpenEXR, by the other hand's writer.

use std::io::Cursor;

use exr::prelude::*;

/// Display window of the files here: 19 x 13, away from zero.
pub(crate) const DISPLAY: IntegerBounds = IntegerBounds { position: Vec2(-3, 5), size: Vec2(19, 13) };

/// A file of two parts: colours (half) with alpha, depth, an identity, a layer of floats and a vector; and normals.
///
/// The data window reaches `overscan` px beyond the display window on each side, or stays inside of it.
pub(crate) fn openexr(compression: Compression, tiles: bool, overscan: i32) -> Vec<u8> {
    let size = Vec2((19 + 2 * overscan) as usize, (13 + 2 * overscan) as usize);
    let position = Vec2(-3 - overscan, 5 - overscan);
    let blocks = if tiles { Blocks::Tiles(Vec2(16, 16)) } else { Blocks::ScanLines };
    let encoding = Encoding { compression, blocks, line_order: LineOrder::Increasing };
    let layer = |name: &str, channels: Vec<AnyChannel<FlatSamples>>| {
        let mut attributes = LayerAttributes::named(name).with_position(position);
        attributes.owner = Some("Lion Studio".into());
        attributes.other.insert("studio:take".into(), AttributeValue::I32(7));
        Layer::new(size, attributes, encoding, AnyChannels::sort(channels.into()))
    };
    let half = |name: &str, seed: u32| {
        let values = light(size.area(), seed).into_iter().map(f16::from_f32).collect();
        AnyChannel::new(name, FlatSamples::F16(values))
    };
    let float = |name: &str, seed: u32| AnyChannel::new(name, FlatSamples::F32(light(size.area(), seed)));
    let alpha = (0..size.area()).map(|i| f16::from_f32([1.0, 0.5, 0.0, 1.0][i % 4])).collect();
    let colours = vec![
        half("R", 1),
        half("G", 2),
        half("B", 3),
        AnyChannel::new("A", FlatSamples::F16(alpha)),
        float("Z", 4),
        AnyChannel::new("id", FlatSamples::U32((0..size.area() as u32).collect())),
        float("diffuse.R", 5),
        float("diffuse.G", 6),
        float("diffuse.B", 7),
        half("motion.R", 8),
        half("motion.G", 9),
        half("motion.B", 10),
    ];
    let normals = vec![float("N.X", 11), float("N.Y", 12), float("N.Z", 13)];
    let image = Image {
        attributes: ImageAttributes::new(DISPLAY),
        layer_data: Layers::from_iter([layer("beauty", colours), layer("normals", normals)]),
    };
    let mut file = Cursor::new(Vec::new());
    image.write().non_parallel().to_buffered(&mut file).unwrap();
    file.into_inner()
}

/// A small file of one part, half, whose alpha multiplies its colours: smooth, so that every way of packing makes it smaller.
pub(crate) fn openexr_of_one_part(compression: Compression, tiles: bool) -> Vec<u8> {
    let size = Vec2(40, 24);
    let half = |name: &str, step: usize| {
        let value = |i: usize| f16::from_f32((i % 40 / 8 + step * (i / 240)) as f32 / 16.0);
        AnyChannel::new(name, FlatSamples::F16((0..size.area()).map(value).collect()))
    };
    let channels = [("A", 1), ("B", 2), ("G", 3), ("R", 4)].map(|(name, step)| half(name, step));
    let blocks = if tiles { Blocks::Tiles(Vec2(16, 16)) } else { Blocks::ScanLines };
    let encoding = Encoding { compression, blocks, line_order: LineOrder::Increasing };
    let channels = AnyChannels::sort(channels.into_iter().collect());
    let image = Image::from_layer(Layer::new(size, LayerAttributes::default(), encoding, channels));
    let mut file = Cursor::new(Vec::new());
    image.write().non_parallel().to_buffered(&mut file).unwrap();
    file.into_inner()
}

/// Light from a thousandth to eight times white, and a few values that are no light.
fn light(count: usize, seed: u32) -> Vec<f32> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / 16_777_216.0
    };
    (0..count)
        .map(|i| match i % 11 {
            0 => -0.25,
            1 => 0.0,
            2 => 8.0 * next(),
            _ => 0.001 + next() * next(),
        })
        .collect()
}

/// All channels by part and name, as an independent look at the file gives them: bits, row by row.
pub(crate) fn channels(file: &[u8]) -> Vec<(String, Vec<u32>)> {
    let image = read().no_deep_data().largest_resolution_level().all_channels().all_layers().all_attributes();
    let image = image.non_parallel().from_buffered(Cursor::new(file)).unwrap();
    let mut all = Vec::new();
    for layer in &image.layer_data {
        for channel in &layer.channel_data.list {
            let part = layer.attributes.layer_name.as_ref().map(ToString::to_string).unwrap_or_default();
            let bits = match &channel.sample_data {
                FlatSamples::F16(values) => values.iter().map(|v| u32::from(v.to_bits())).collect(),
                FlatSamples::F32(values) => values.iter().map(|v| v.to_bits()).collect(),
                FlatSamples::U32(values) => values.clone(),
            };
            all.push((format!("{part}/{}", channel.name), bits));
        }
    }
    all
}
