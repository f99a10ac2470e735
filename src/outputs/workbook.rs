//! The workbook.
use super::formats::{RenderError, Rendered};
use crate::domain::Batch;
/// Renders it.
pub(super) fn render(_batch: &Batch) -> Result<Rendered, RenderError> {
    Ok(Rendered::default())
}
