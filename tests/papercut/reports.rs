//! The report methods: a script for each title says what happens to the file.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::methods::{Answer, Fault};
use crate::server::Server;
use crate::wire::Value::{self, Bool, Struct, Text};

/// What a report call does. A file's name counts where the location is a folder; else the location is the file.
#[derive(Clone, Debug)]
pub(crate) enum ReportScript {
    /// Writes the file, over one of its name, and then answers.
    WriteFile { name: String, bytes: Vec<u8> },
    /// Writes what the server's state gives at the time of the call, such as a transaction log.
    Made { name: String, bytes: fn(&Server) -> Vec<u8> },
    /// Writes the n-th version on the n-th call, and the last again after it.
    Versions { name: String, versions: Vec<Vec<u8>> },
    /// Answers true, and writes nothing ever.
    NothingWritten,
    /// Answers at once and writes the file later.
    AfterDelay { wait: Duration, name: String, bytes: Vec<u8> },
    /// Answers at once and writes the file part by part, with a pause before each.
    Growing { name: String, parts: Vec<Vec<u8>>, pause: Duration },
    /// Answers with a fault.
    Fails { code: i32, text: String },
}

/// The latest task that was started over the web services.
#[derive(Clone, Debug, Default)]
pub(crate) struct Task {
    /// Nothing runs any more.
    pub is_completed: bool,
    /// Lines.
    pub message: String,
}

impl Server {
    /// None where no report method has this name and these parameters.
    pub(crate) fn report(&mut self, name: &str, args: &[Value]) -> Option<Answer> {
        Some(match (name, args) {
            ("generateScheduledReport", [Text(title), Text(location)]) => self.generate(title, "", location),
            ("generateAdHocReport", [Text(kind), Text(_), Text(_), Text(title), Text(location)]) => {
                self.generate(title, kind, location)
            }
            _ => return None,
        })
    }

    /// The answer of `api.getTaskStatus`.
    pub(crate) fn told_task(&self) -> Value {
        let task = self.task.lock().unwrap();
        let completed = ("completed".to_owned(), Bool(task.is_completed));
        Struct(vec![completed, ("message".to_owned(), Value::text(&task.message))])
    }

    fn generate(&mut self, title: &str, kind: &str, location: &str) -> Answer {
        let key = if self.reports.contains_key(title) { title } else { kind };
        let Some(script) = self.reports.get(key).cloned() else {
            return Err((257, format!("No report \"{title}\".")));
        };
        *self.task.lock().unwrap() = Task { is_completed: false, message: format!("Started {title}\n") };
        let answer = self.follow(script, key, &self.mapped(location));
        if answer.is_err() {
            finish(&self.task, "Failed");
        }
        answer
    }

    fn follow(&mut self, script: ReportScript, key: &str, location: &Path) -> Answer {
        match script {
            ReportScript::WriteFile { name, bytes } => self.written(&file(location, &name)?, &bytes),
            ReportScript::Made { name, bytes } => self.written(&file(location, &name)?, &bytes(self)),
            ReportScript::Versions { name, versions } => {
                let (now, rest) = versions.split_first().unwrap();
                if !rest.is_empty() {
                    let versions = rest.to_vec();
                    let script = ReportScript::Versions { name: name.clone(), versions };
                    self.reports.insert(key.to_owned(), script);
                }
                self.written(&file(location, &name)?, now)
            }
            ReportScript::NothingWritten => {
                finish(&self.task, "Completed");
                Ok(Bool(true))
            }
            ReportScript::AfterDelay { wait, name, bytes } => {
                self.written_later(file(location, &name)?, vec![bytes], wait)
            }
            ReportScript::Growing { name, parts, pause } => {
                self.written_later(file(location, &name)?, parts, pause)
            }
            ReportScript::Fails { code, text } => Err((code, text)),
        }
    }

    /// Where the double has a location of the server.
    fn mapped(&self, location: &str) -> PathBuf {
        match &self.report_root {
            Some((root, ours)) => match location.strip_prefix(root.as_str()) {
                Some(below) => {
                    let parts = below.split(['/', '\\']).filter(|part| !part.is_empty());
                    parts.fold(ours.clone(), |path, part| path.join(part))
                }
                None => PathBuf::from(location),
            },
            None => PathBuf::from(location),
        }
    }

    fn written(&self, path: &Path, bytes: &[u8]) -> Answer {
        fs::write(path, bytes).map_err(|error| (257, format!("java.io.IOException: {error}")))?;
        finish(&self.task, "Completed");
        Ok(Bool(true))
    }

    fn written_later(&self, path: PathBuf, parts: Vec<Vec<u8>>, pause: Duration) -> Answer {
        let task = Arc::clone(&self.task);
        std::thread::spawn(move || {
            let mut file = None;
            for part in parts {
                std::thread::sleep(pause);
                // The folder may be gone with its test.
                let Ok(file) = file.get_or_insert_with(|| File::create(&path)) else { return };
                let _ = file.write_all(&part);
            }
            finish(&task, "Completed");
        });
        Ok(Bool(true))
    }
}

/// The file of a report, in a folder that is there.
fn file(location: &Path, name: &str) -> Result<PathBuf, Fault> {
    let path = if location.is_dir() { location.join(name) } else { location.to_owned() };
    match path.parent() {
        Some(folder) if folder.is_dir() => Ok(path),
        _ => {
            let text =
                format!("java.io.FileNotFoundException: {} (No such file or directory)", path.display());
            Err((257, text))
        }
    }
}

fn finish(task: &Mutex<Task>, how: &str) {
    let mut task = task.lock().unwrap();
    task.is_completed = true;
    task.message.push_str(how);
    task.message.push('\n');
}
