//! The pages' templates: compiled in, and each replaceable by a file of the same name in the operator's folder.
//!
//! A template gets texts that are already formatted; it calculates nothing. An undefined name is an error and
//! never an empty place: an invoice page that silently lacks its sum is worse than none.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, UndefinedBehavior};
use serde::Serialize;

/// A page for one payer.
pub(super) const STATEMENT: &str = "statement.html";
/// The reconciliation page of a batch.
pub(super) const REPORT: &str = "report.html";
/// The summary mail as HTML.
pub(super) const SUMMARY_HTML: &str = "summary.html";
/// The summary mail as text.
pub(super) const SUMMARY_TEXT: &str = "summary.txt";

/// The templates by file name, as they are compiled in; for those who want to start from them.
pub const EMBEDDED: [(&str, &str); 4] = [
    (STATEMENT, include_str!("../../templates/statement.html")),
    (REPORT, include_str!("../../templates/report.html")),
    (SUMMARY_HTML, include_str!("../../templates/summary.html")),
    (SUMMARY_TEXT, include_str!("../../templates/summary.txt")),
];

/// Why a page could not be made.
#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    /// The operator's folder or a file in it cannot be read.
    #[error("cannot read templates from `{}`", path.display())]
    Read {
        /// The folder or file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// A template is not well formed, or names what is not there.
    #[error("template `{template}`, line {line}: {message}")]
    Template {
        /// The template's file name.
        template: String,
        /// The line in it; 0 where it is not known.
        line: usize,
        /// What is wrong.
        message: String,
    },
}

/// The templates that are in force.
#[derive(Debug)]
pub struct Templates {
    environment: Environment<'static>,
}

impl Templates {
    /// The compiled-in templates.
    ///
    /// # Errors
    /// None in a build whose tests passed.
    pub fn embedded() -> Result<Templates, TemplateError> {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_auto_escape_callback(|name| {
            if name.ends_with(".html") { AutoEscape::Html } else { AutoEscape::None }
        });
        let blocks_leave_no_line = SyntaxConfig::builder()
            .keep_trailing_newline(true)
            .trim_blocks(true)
            .lstrip_blocks(true)
            .build()
            .map_err(fault)?;
        environment.set_syntax(blocks_leave_no_line);
        // Keeps the place of an error; only names and lines of it are ever shown.
        environment.set_debug(true);
        for (name, source) in EMBEDDED {
            environment.add_template(name, source).map_err(fault)?;
        }
        Ok(Templates { environment })
    }

    /// The compiled-in templates, with every `.html` and `.txt` file of `folder` in place of or beside them.
    ///
    /// # Errors
    /// A folder or file that cannot be read, and a template that is not well formed.
    pub fn with_folder(folder: &Path) -> Result<Templates, TemplateError> {
        let unreadable = |path: &Path| {
            let path = path.to_owned();
            move |source| TemplateError::Read { path, source }
        };
        let mut templates = Templates::embedded()?;
        let mut paths = Vec::new();
        for entry in fs::read_dir(folder).map_err(unreadable(folder))? {
            paths.push(entry.map_err(unreadable(folder))?.path());
        }
        paths.sort();
        for path in paths {
            let is_template = path.extension().is_some_and(|ending| ending == "html" || ending == "txt");
            let Some(name) = path.file_name().and_then(|name| name.to_str()).filter(|_| is_template) else {
                continue;
            };
            let source = fs::read_to_string(&path).map_err(unreadable(&path))?;
            templates.environment.add_template_owned(name.to_owned(), source).map_err(fault)?;
        }
        Ok(templates)
    }

    /// Renders a template.
    pub(super) fn render(&self, name: &str, view: impl Serialize) -> Result<String, TemplateError> {
        self.environment.get_template(name).and_then(|template| template.render(Serde(view))).map_err(fault)
    }
}

/// The innermost error, which is where the mistake is, with the expression that it is about.
fn fault(error: minijinja::Error) -> TemplateError {
    let mut inner = &error;
    while let Some(next) = std::error::Error::source(inner).and_then(|next| next.downcast_ref()) {
        inner = next;
    }
    let kind = inner.kind();
    let expression = inner.range().zip(inner.template_source()).and_then(|(range, source)| source.get(range));
    let message = match (inner.detail(), expression) {
        (Some(detail), _) => format!("{kind}: {detail}"),
        (None, Some(expression)) if !expression.is_empty() => format!("{kind}, in `{expression}`"),
        (None, _) => kind.to_string(),
    };
    TemplateError::Template {
        template: inner.name().unwrap_or_default().to_owned(),
        line: inner.line().unwrap_or(0),
        message,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn templates_with(name: &str, source: &str) -> Result<Templates, TemplateError> {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(name), source).unwrap();
        fs::write(folder.path().join("notes.md"), "{% not a template").unwrap();
        Templates::with_folder(folder.path())
    }

    #[derive(Serialize)]
    struct View {
        name: &'static str,
    }

    const VIEW: View = View { name: "<b>&" };

    #[test]
    fn a_file_replaces_the_template_of_its_name_and_html_is_escaped() {
        let templates = templates_with(STATEMENT, "<p>{{ name }}</p>\n").unwrap();
        assert_eq!(templates.render(STATEMENT, VIEW).unwrap(), "<p>&lt;b&gt;&amp;</p>\n");
        let templates = templates_with(SUMMARY_TEXT, "{{ name }}").unwrap();
        assert_eq!(templates.render(SUMMARY_TEXT, VIEW).unwrap(), "<b>&");
    }

    #[test]
    fn mistakes_are_named_with_template_line_and_expression() {
        let check = |source: &str, expected: &str| {
            let error = templates_with(STATEMENT, source)
                .and_then(|templates| templates.render(STATEMENT, VIEW))
                .unwrap_err();
            assert_eq!(error.to_string(), expected);
        };
        check("a\n{{ nome }}", "template `statement.html`, line 2: undefined value: `nome` is undefined");
        check(
            "a\n\n{% if name %}",
            "template `statement.html`, line 3: syntax error: unexpected end of input, expected end of block",
        );
        check(
            "{% include 'logo.html' %}",
            "template `statement.html`, line 1: template not found: tried to include non-existing template 'logo.html'",
        );
    }

    #[test]
    fn a_folder_that_is_not_there_is_named() {
        let error = Templates::with_folder(Path::new("/nowhere/templates")).unwrap_err();
        assert_eq!(error.to_string(), "cannot read templates from `/nowhere/templates`");
    }
}
