//! Where is a net computed?

use crate::error::{Error, Result};

/// The device that a long verb computes on.
///
/// The CPU has fused passes, and is the default. Other devices compute what is composed of candle's own operations; the
/// weights stay there through a run. They are there where the crate was built with the feature of their name:
///
/// ```
/// use sharp_minima::{Device, Objective, Seed, data, zoo};
/// let data = data::synthetic();
/// let net = zoo::f1(data.shape(), data.classes(), 0.05)?;
/// let value = Objective::new().device(Device::Cuda(0)).value(&net, &data.train, &net.start(Seed(0), 0));
/// if !cfg!(feature = "cuda") {
///     assert!(value.expect_err("there is none").to_string().starts_with("device must be one that is there"));
/// }
/// # Ok::<(), sharp_minima::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, serde::Serialize, serde::Deserialize)]
pub enum Device {
    /// The processor.
    #[default]
    Cpu,
    /// The NVIDIA GPU of this number, from 0; in builds with the feature `cuda`, which want `nvcc`, and start only where
    /// NVIDIA's driver is.
    Cuda(usize),
    /// The Apple GPU of this number, from 0; in builds with the feature `metal`. It has no f64.
    Metal(usize),
}

impl std::fmt::Display for Device {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Device::Cpu => f.write_str("cpu"),
            Device::Cuda(number) => write!(f, "cuda:{number}"),
            Device::Metal(number) => write!(f, "metal:{number}"),
        }
    }
}

impl Device {
    /// The tensor library's own.
    pub(super) fn open(self) -> Result<candle_core::Device> {
        let no_such = || candle_core::Error::Msg("no such GPU".into());
        let opened = match self {
            Device::Cpu => Ok(candle_core::Device::Cpu),
            // A larger number would be cut to 32 bits, and be that of another GPU.
            Device::Cuda(number) if i32::try_from(number).is_err() => Err(no_such()),
            Device::Cuda(number) => candle_core::Device::new_cuda(number),
            // candle takes the number for granted.
            #[cfg(feature = "metal")]
            Device::Metal(number) if number >= candle_metal_kernels::metal::Device::all().len() => Err(no_such()),
            Device::Metal(number) => candle_core::Device::new_metal(number),
        };
        let built = match self {
            Device::Cuda(_) if !cfg!(feature = "cuda") => " (this build has no feature `cuda`)".to_string(),
            Device::Metal(_) if !cfg!(feature = "metal") => " (this build has no feature `metal`)".to_string(),
            _ => String::new(),
        };
        opened.map_err(|error| {
            let said = error.to_string();
            let reason =
                if built.is_empty() { format!(" ({})", said.lines().next().unwrap_or_default()) } else { built };
            Error::parameter("device", self, format!("be one that is there{reason}"))
        })
    }
}

crate::display::shown_as_text!(Device);
