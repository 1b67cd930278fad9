//! What a `job` is made of, checked: its source, what is to be done, and for how long.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};

use crate::error::JobError;
use crate::json::memory;
use crate::limits;
use crate::options::JobKind;
use crate::protocol::frame_error::shortened;
use crate::protocol::{Claim, FrameError, JobFrame};
use crate::sources::{CredentialsLocation, Source};

/// What a job's `params` come to.
pub(super) type Params = (Arc<Source>, String, Option<String>, Option<Value>);

pub(super) fn job_of(
    id: String,
    deadline: Duration,
    params: Result<Params, JobError>,
) -> Result<JobFrame, FrameError> {
    if id.len() > limits::MAX_ID_BYTES {
        return Err(FrameError::LongId);
    }
    let params = params.and_then(|params| {
        let (_, _, target, _) = &params;
        check_name(target.as_deref().unwrap_or_default(), "params.job.target")?;
        Ok(params)
    });
    match params {
        Ok((source, kind, target, options)) => Ok(JobFrame {
            id,
            source,
            kind: JobKind::of(&kind),
            kind_word: shortened(kind),
            // `listTargets` and `test` have no target.
            target: target.unwrap_or_default(),
            options: options.unwrap_or_else(|| Value::Object(Map::new())),
            deadline,
            claim: Claim::default(),
        }),
        Err(error) => Err(FrameError::Job { id, error }),
    }
}

pub(super) fn params(params: Option<Value>) -> Result<Params, JobError> {
    let mut params = object(params, "params")?;
    let source = source_of(params.remove("source"), "params.source")?;
    let mut job = object(params.remove("job"), "params.job")?;
    let kind = string(job.remove("kind"), "params.job.kind")?;
    let target = match job.remove("target") {
        None | Some(Value::Null) => None,
        target => Some(string(target, "params.job.target")?),
    };
    let options = job.remove("options").filter(|options| !options.is_null());
    Ok((Arc::new(source), kind, target, options))
}

/// `deadlineMs` is a duration. Zero and less mean that it is over already; what is no number means nothing.
pub(super) fn deadline(value: Option<&Value>) -> Duration {
    let Some(ms) = value.and_then(Value::as_f64) else {
        return limits::JOB_DEADLINE;
    };
    Duration::try_from_secs_f64(ms.max(0.0) / 1000.0)
        .map_or(limits::MAX_DEADLINE, |d| d.min(limits::MAX_DEADLINE))
}

pub(super) fn source_of(value: Option<Value>, path: &str) -> Result<Source, JobError> {
    let mut source = object(value, path)?;
    let id = string(source.remove("id"), &format!("{path}.id"))?;
    let name = match source.remove("name") {
        None | Some(Value::Null) => id.clone(),
        name => string(name, &format!("{path}.name"))?,
    };
    let bridge = string(source.remove("bridge"), &format!("{path}.bridge"))?;
    for (text, field) in [(&id, "id"), (&name, "name"), (&bridge, "bridge")] {
        check_name(text, &format!("{path}.{field}"))?;
    }
    let config = source.remove("config").filter(|config| !config.is_null());
    if config.as_ref().map_or(0, memory) > limits::MAX_CONFIG_BYTES {
        return Err(JobError::invalid_options(
            &format!("{path}.config"),
            format_args!("larger than {} bytes", limits::MAX_CONFIG_BYTES),
        ));
    }
    let credentials = match source.get("credentialsLocation").and_then(Value::as_str) {
        Some("managed") => CredentialsLocation::Managed,
        Some("runner-local") => CredentialsLocation::RunnerLocal,
        _ if config.is_some() => CredentialsLocation::Managed,
        _ => CredentialsLocation::RunnerLocal,
    };
    let config = match (credentials, config) {
        (CredentialsLocation::Managed, Some(config)) => {
            object(Some(config), &format!("{path}.config"))?
        }
        _ => Map::new(),
    };
    Ok(Source {
        id,
        name,
        bridge,
        credentials,
        config,
    })
}

fn object(value: Option<Value>, path: &str) -> Result<Map<String, Value>, JobError> {
    match value {
        Some(Value::Object(object)) => Ok(object),
        _ => Err(JobError::invalid_options(path, "expected an object")),
    }
}

fn check_name(text: &str, path: &str) -> Result<(), JobError> {
    if text.len() <= limits::MAX_NAME_BYTES {
        return Ok(());
    }
    Err(JobError::invalid_options(
        path,
        format_args!("longer than {} bytes", limits::MAX_NAME_BYTES),
    ))
}

fn string(value: Option<Value>, path: &str) -> Result<String, JobError> {
    match value {
        Some(Value::String(string)) => Ok(string),
        _ => Err(JobError::invalid_options(path, "expected a string")),
    }
}
