//! A time as documents write it: UTC, to the second.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::{fmt, str::FromStr};
use time::{OffsetDateTime, UtcOffset, format_description::well_known::Rfc3339};

/// A second in UTC between 1970 and 9999, written `2026-03-02T09:00:00Z`.
///
/// It is what the signer claims; a time that others can prove comes from a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Moment(OffsetDateTime);

/// A time that no document can hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotAMoment {
    /// The clock is far off.
    #[error("the clock says year {0}; set it, then try again")]
    Clock(i32),
    /// The text is not RFC 3339 in UTC to the second.
    #[error("a time must look like 2026-03-02T09:00:00Z")]
    Text,
}

impl Moment {
    /// The first moment there is.
    pub const EPOCH: Self = Self(OffsetDateTime::UNIX_EPOCH);

    /// This time in UTC, its fraction of a second dropped.
    ///
    /// # Errors
    /// When the year is outside 1970 to 9999: the clock is wrong.
    pub fn at(now: OffsetDateTime) -> Result<Self, NotAMoment> {
        let utc = now.checked_to_offset(UtcOffset::UTC).ok_or(NotAMoment::Clock(now.year()))?;
        if !(1970..=9999).contains(&utc.year()) {
            return Err(NotAMoment::Clock(utc.year()));
        }
        Ok(Self(utc.replace_nanosecond(0).expect("0 is a nanosecond")))
    }

    /// The moment so many seconds after the beginning of 1970, if documents can hold it.
    pub fn from_unix(seconds: u64) -> Option<Self> {
        let utc = OffsetDateTime::from_unix_timestamp(seconds.try_into().ok()?).ok()?;
        Self::at(utc).ok()
    }

    /// Seconds since the beginning of 1970, leap seconds not counted (POSIX).
    pub fn unix(self) -> u64 {
        self.0.unix_timestamp().try_into().expect("a moment is not before 1970")
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (date, time) = (self.0.date(), self.0.time());
        let (year, month, day) = (date.year(), u8::from(date.month()), date.day());
        let (hour, minute, second) = (time.hour(), time.minute(), time.second());
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
    }
}

impl FromStr for Moment {
    type Err = NotAMoment;

    fn from_str(text: &str) -> Result<Self, NotAMoment> {
        let moment = OffsetDateTime::parse(text, &Rfc3339).map_err(|_| NotAMoment::Text)?;
        let moment = Self::at(moment).map_err(|_| NotAMoment::Text)?;
        // One time, one spelling: no offsets, fractions or small letters.
        if moment.to_string() == text { Ok(moment) } else { Err(NotAMoment::Text) }
    }
}

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop")]
    use super::*;

    #[test]
    fn a_moment_has_one_spelling() {
        let text = "2026-03-02T09:00:00Z";
        assert_eq!(text.parse::<Moment>().unwrap().to_string(), text);
        for other in [
            "2026-03-02T09:00:00.5Z",
            "2026-03-02T09:00:00+00:00",
            "2026-03-02T10:00:00+01:00",
            "2026-03-02",
            "",
        ] {
            assert!(other.parse::<Moment>().is_err(), "{other}");
        }
    }

    #[test]
    fn seconds_since_1970_go_there_and_back() {
        let last = "9999-12-31T23:59:59Z".parse::<Moment>().unwrap();
        let known = "2026-03-11T08:00:00Z".parse::<Moment>().unwrap();
        assert_eq!(known.unix(), 1_773_216_000);
        for seconds in [0, 1, known.unix(), last.unix()] {
            assert_eq!(Moment::from_unix(seconds).unwrap().unix(), seconds);
        }
        for beyond in [last.unix() + 1, i64::MAX as u64, u64::MAX] {
            assert_eq!(Moment::from_unix(beyond), None, "{beyond}");
        }
    }

    #[test]
    fn a_clock_far_off_is_named() {
        let before = OffsetDateTime::from_unix_timestamp(-1).unwrap();
        assert_eq!(Moment::at(before), Err(NotAMoment::Clock(1969)));
    }
}
