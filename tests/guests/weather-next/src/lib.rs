//! The next version of weather: the same code, another manifest and temperature.

include!("../../weather/src/lib.rs");
