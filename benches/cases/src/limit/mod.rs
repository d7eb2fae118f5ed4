//! The loops that a person would write by hand for one case and nothing else: what the dataplane is
//! held against. They check nothing that the case does not need. Hand loops live here and nowhere
//! else.

mod fused;
mod staged;
mod table;

pub(crate) use fused::Fused;
pub(crate) use staged::Staged;
pub(crate) use table::Table;
