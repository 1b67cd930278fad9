//! The options of a connection string. All that the official driver knows are known here too: those that mean
//! something to a reader are obeyed, the others are checked, and what would be disobeyed is refused by its name.

use std::time::Duration;

use crate::bridges::config::{parameter, unusable};
use crate::error::JobError;
use crate::limits;
use crate::words::words;

words! {
    /// Which members of a replica set answer.
    ReadMode {
        Primary = "primary",
        PrimaryPreferred = "primaryPreferred",
        Secondary = "secondary",
        SecondaryPreferred = "secondaryPreferred",
        Nearest = "nearest",
    }
}

/// Who answers, and what must be known of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadPreference {
    /// Which members.
    pub mode: ReadMode,
    /// Sets of tags, the first that any member has counts; empty for any member.
    pub tags: Vec<Vec<(String, String)>>,
    /// How far a secondary may be behind.
    pub max_staleness: Option<Duration>,
}

/// A connection string's options, checked.
pub(super) struct Options {
    pub(super) replica_set: Option<String>,
    pub(super) direct: bool,
    pub(super) read: ReadPreference,
    pub(super) read_concern: Option<String>,
    pub(super) auth_source: Option<String>,
    pub(super) mechanism: Option<String>,
    /// `tls` or `ssl`.
    pub(super) tls: Option<bool>,
    pub(super) ca_file: Option<String>,
    pub(super) certificate_key_file: Option<String>,
    pub(super) insecure: bool,
    pub(super) any_certificate: bool,
    pub(super) any_host_name: bool,
    pub(super) connect_timeout: Duration,
    pub(super) selection_timeout: Duration,
    pub(super) latency_window: Duration,
    pub(super) app_name: String,
    pub(super) service_name: Option<String>,
    pub(super) service_hosts: Option<usize>,
}

/// Concern writes, pools of the driver, its monitoring, or what it makes of values; they change nothing here.
const NUMBERS: &str = "maxpoolsize minpoolsize maxconnecting maxidletimems waitqueuetimeoutms \
    heartbeatfrequencyms minheartbeatfrequencyms wtimeoutms wtimeout \
    zlibcompressionlevel sockettimeoutms timeoutms";
const SWITCHES: &str = "retryreads retrywrites journal nodelay enableutf8validation forceserverobjectid \
    ignoreundefined promotebuffers promotelongs promotevalues raw serializefunctions \
    usebigint64 fieldsasraw monitorcommands tlsdisableocspendpointcheck \
    tlsdisablecertificaterevocationcheck";
const WORDS: &str = "w servermonitoringmode compressors";

impl Options {
    /// Those of this URL, in pairs.
    pub(super) fn parse(url: &str, pairs: &[(String, String)]) -> Result<Self, JobError> {
        let mut options = Self::default();
        let mut seen: Vec<String> = Vec::new();
        for (name, value) in pairs {
            let key = name.to_ascii_lowercase();
            let name = parameter(url, name);
            if seen.contains(&key) && key != "readpreferencetags" {
                return Err(unusable(format!("option {name} stands more than once")));
            }
            options.set(&key, name, value)?;
            seen.push(key);
        }
        let read = &options.read;
        if read.mode == ReadMode::Primary && (!read.tags.is_empty() || read.max_staleness.is_some())
        {
            let problem = "readPreferenceTags and maxStalenessSeconds need a readPreference other than primary";
            return Err(unusable(problem));
        }
        Ok(options)
    }

    fn set(&mut self, key: &str, name: &str, value: &str) -> Result<(), JobError> {
        match key {
            "replicaset" => self.replica_set = Some(value.to_owned()),
            "directconnection" => self.direct = switch(name, value)?,
            "readpreference" => {
                let mode = ReadMode::ALL
                    .into_iter()
                    .find(|mode| mode.as_str() == value);
                self.read.mode = mode.ok_or_else(|| wrong(name, "is not one that there is"))?;
            }
            "readpreferencetags" => self.read.tags.push(parse_tags(name, value)?),
            "maxstalenessseconds" => match value.parse() {
                Ok(-1_i64) => {}
                Ok(seconds) if seconds >= 90 => {
                    self.read.max_staleness = Some(Duration::from_secs(seconds.unsigned_abs()));
                }
                _ => return Err(wrong(name, "must be at least 90")),
            },
            "readconcernlevel" => self.read_concern = Some(value.to_owned()),
            "authsource" => self.auth_source = Some(value.to_owned()),
            "authmechanism" => self.mechanism = Some(value.to_owned()),
            // Only mechanisms that are refused have any.
            "authmechanismproperties" => {}
            "tls" | "ssl" => {
                let tls = switch(name, value)?;
                if self.tls.is_some_and(|other| other != tls) {
                    return Err(unusable("the options tls and ssl disagree"));
                }
                self.tls = Some(tls);
            }
            "tlscafile" | "sslca" => self.ca_file = Some(value.to_owned()),
            "tlscertificatekeyfile" => self.certificate_key_file = Some(value.to_owned()),
            "tlsinsecure" => self.insecure = switch(name, value)?,
            "tlsallowinvalidcertificates" => self.any_certificate = switch(name, value)?,
            "tlsallowinvalidhostnames" => self.any_host_name = switch(name, value)?,
            "connecttimeoutms" => {
                // 0 means no limit to the driver; ours stays.
                self.connect_timeout = millis(name, value)?.unwrap_or(limits::SOURCE_CONNECT);
            }
            "serverselectiontimeoutms" => {
                self.selection_timeout = millis(name, value)?.unwrap_or(limits::MONGODB_SELECTION);
            }
            "localthresholdms" => self.latency_window = millis(name, value)?.unwrap_or_default(),
            "appname" if value.len() <= 128 => self.app_name = value.to_owned(),
            "appname" => return Err(wrong(name, "is longer than 128 bytes")),
            "srvservicename" => self.service_name = Some(value.to_owned()),
            "srvmaxhosts" => {
                let most = value
                    .parse()
                    .map_err(|_| wrong(name, "must be a whole number"))?;
                self.service_hosts = Some(most);
            }
            "loadbalanced" if !switch(name, value)? => {}
            key if is_among(NUMBERS, key) => {
                value
                    .parse::<i64>()
                    .map_err(|_| wrong(name, "must be a whole number"))?;
            }
            key if is_among(SWITCHES, key) => {
                switch(name, value)?;
            }
            key if is_among(WORDS, key) => {}
            _ => return Err(unusable(format!("option {name} is not supported"))),
        }
        Ok(())
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            replica_set: None,
            direct: false,
            read: ReadPreference {
                mode: ReadMode::Primary,
                tags: Vec::new(),
                max_staleness: None,
            },
            read_concern: None,
            auth_source: None,
            mechanism: None,
            tls: None,
            ca_file: None,
            certificate_key_file: None,
            insecure: false,
            any_certificate: false,
            any_host_name: false,
            connect_timeout: limits::SOURCE_CONNECT,
            selection_timeout: limits::MONGODB_SELECTION,
            latency_window: Duration::from_millis(15),
            app_name: "semilayer-runner".to_owned(),
            service_name: None,
            service_hosts: None,
        }
    }
}

/// The options that a service's TXT record says, of which there are few. They count only where the connection
/// string says nothing.
pub fn parse_records(text: &str) -> Result<(Option<String>, Option<String>), JobError> {
    let (mut source, mut set) = (None, None);
    for part in text.split('&').filter(|part| !part.is_empty()) {
        match part.split_once('=') {
            Some(("authSource", value)) => source = Some(value.to_owned()),
            Some(("replicaSet", value)) => set = Some(value.to_owned()),
            Some(("loadBalanced", "false")) => {}
            _ => {
                let problem =
                    "the TXT record of the url's host may only say authSource and replicaSet";
                return Err(unusable(problem));
            }
        }
    }
    Ok((source, set))
}

/// Whether a word stands in such a list.
fn is_among(list: &str, word: &str) -> bool {
    list.split(' ').any(|known| known == word)
}

fn wrong(name: &str, problem: &str) -> JobError {
    unusable(format!("option {name} {problem}"))
}

fn switch(name: &str, value: &str) -> Result<bool, JobError> {
    match value {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(wrong(name, "must be true or false")),
    }
}

/// A time; `None` for 0.
fn millis(name: &str, value: &str) -> Result<Option<Duration>, JobError> {
    let millis: u64 = value
        .parse()
        .map_err(|_| wrong(name, "must be a whole number of milliseconds"))?;
    Ok((millis > 0).then(|| Duration::from_millis(millis)))
}

/// `name:value,name:value`; nothing at all is any member.
fn parse_tags(name: &str, value: &str) -> Result<Vec<(String, String)>, JobError> {
    value
        .split(',')
        .filter(|tag| !tag.is_empty())
        .map(|tag| {
            let (tag, value) = tag
                .split_once(':')
                .ok_or_else(|| wrong(name, "must be pairs such as dc:ny,rack:1"))?;
            Ok((tag.to_owned(), value.to_owned()))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(query: &str) -> Result<Options, String> {
        let pairs: Vec<_> = query
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        Options::parse("", &pairs).map_err(|error| error.message)
    }

    #[test]
    fn names_have_no_case_and_values_their_types() {
        let query = "REPLICASET=rs&readPreference=nearest&readPreferenceTags=dc:ny,rack:1&readPreferenceTags=,\
            &maxStalenessSeconds=120&localThresholdMS=5&serverSelectionTimeoutMS=100&compressors=zstd&w=majority\
            &retryWrites=false&loadBalanced=false&connectTimeoutMS=0";
        let options = parse(query).ok().unwrap();
        assert_eq!(options.replica_set.as_deref(), Some("rs"));
        assert_eq!(options.read.mode, ReadMode::Nearest);
        let tag = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(
            options.read.tags,
            [vec![tag("dc", "ny"), tag("rack", "1")], vec![]]
        );
        assert_eq!(options.read.max_staleness, Some(Duration::from_secs(120)));
        assert_eq!(options.selection_timeout, Duration::from_millis(100));
        assert_eq!(options.connect_timeout, limits::SOURCE_CONNECT);
    }

    #[test]
    fn a_record_says_little() {
        let said = parse_records("replicaSet=rs0&authSource=admin").unwrap();
        assert_eq!(said, (Some("admin".into()), Some("rs0".into())));
        for text in ["ssl=false", "loadBalanced=true", "x"] {
            assert!(parse_records(text).is_err(), "{text}");
        }
    }
}
