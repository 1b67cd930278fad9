//! The parameters of a URL, which replace what its other parts say, as libpq has it. One that cannot be read is left
//! out with a warning: it is no reason not to serve a source.

use std::str::FromStr;
use std::time::Duration;

use postgres::config::{ChannelBinding, Config};

use super::Flavour;
use super::options::Options;
use super::standing::Standing;
use crate::text::printable;

/// What the parameters come to, beside the driver's own settings.
#[derive(Default)]
pub struct Parameters {
    /// The hosts, separated by commas, if these are others than the URL's.
    pub hosts: Option<String>,
    /// Their ports, likewise.
    pub ports: Option<String>,
    /// Which of the servers will do.
    pub wanted: Standing,
    /// Startup options of the customer's own.
    pub options: Options,
    /// Time to connect.
    pub connect_timeout: Option<Duration>,
    /// Names of those that were left out.
    pub ignored: Vec<String>,
}

impl Parameters {
    /// Reads them, in their order, into the driver's settings and the rest.
    pub fn read(parameters: &[(String, String)], driver: &mut Config) -> Self {
        let mut found = Self::default();
        for (name, value) in parameters {
            if found.take(name, value.trim(), driver).is_none() {
                found.ignored.push(name.clone());
            }
        }
        found
    }

    /// Says what was left out, without any value.
    pub fn warn(&self, flavour: Flavour) {
        let source = flavour.package().name();
        for (what, names) in [
            ("startup options of a", &self.options.dropped),
            (
                "parameters that cannot be read, of the URL of a",
                &self.ignored,
            ),
        ] {
            if !names.is_empty() {
                let names = printable(names.join(", ").chars().take(200));
                log::warn!("{what} {source} source are left out: {names}");
            }
        }
    }

    /// `None` when the value is none for this name.
    fn take(&mut self, name: &str, value: &str, driver: &mut Config) -> Option<()> {
        match name {
            "host" => self.hosts = Some(value.to_owned()).filter(|hosts| !hosts.is_empty()),
            "port" => self.ports = Some(value.to_owned()).filter(|ports| !ports.is_empty()),
            "user" => {
                driver.user(value);
            }
            "password" => {
                driver.password(value);
            }
            "dbname" | "database" => {
                driver.dbname(value);
            }
            "application_name" => {
                driver.application_name(value);
            }
            "options" => self.options = Options::parse(value),
            "target_session_attrs" => self.wanted = Standing::of(value)?,
            "connect_timeout" => self.connect_timeout = seconds(value)?,
            "keepalives" => {
                driver.keepalives(number::<i64>(value)? != 0);
            }
            "keepalives_idle" => {
                let idle = seconds(value)?;
                idle.map(|idle| driver.keepalives_idle(idle));
            }
            "keepalives_interval" => {
                let interval = seconds(value)?;
                interval.map(|interval| driver.keepalives_interval(interval));
            }
            "keepalives_count" => {
                driver.keepalives_retries(number(value)?);
            }
            "channel_binding" => {
                driver.channel_binding(match value.to_ascii_lowercase().as_str() {
                    "disable" => ChannelBinding::Disable,
                    "prefer" => ChannelBinding::Prefer,
                    "require" => ChannelBinding::Require,
                    _ => return None,
                });
            }
            // Would have the connection safer than it is.
            "gssencmode" if value.eq_ignore_ascii_case("require") => return None,
            "sslcrl"
            | "sslcrldir"
            | "require_auth"
            | "requirepeer"
            | "ssl_min_protocol_version"
                if !value.is_empty() =>
            {
                return None;
            }
            // Parameters of other drivers and of poolers (pgbouncer=true, schema=…) mean nothing here.
            _ => {}
        }
        Some(())
    }
}

fn number<T: FromStr>(value: &str) -> Option<T> {
    value.parse().ok()
}

/// Seconds; what is not above zero means the default.
#[expect(clippy::option_option, reason = "no number at all is something else")]
fn seconds(value: &str) -> Option<Option<Duration>> {
    let seconds: i64 = number(value)?;
    let seconds = u64::try_from(seconds).ok().filter(|seconds| *seconds > 0);
    Some(seconds.map(Duration::from_secs))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(query: &str) -> (Parameters, Config) {
        let parameters: Vec<_> = url::form_urlencoded::parse(query.as_bytes())
            .into_owned()
            .collect();
        let mut driver = Config::new();
        let found = Parameters::read(&parameters, &mut driver);
        (found, driver)
    }

    #[test]
    fn the_last_of_a_kind_counts() {
        let (found, driver) = read("user=a&user=b&dbname=c&database=d&host=x&host=y,z&port=1");
        assert_eq!(
            (driver.get_user(), driver.get_dbname()),
            (Some("b"), Some("d"))
        );
        assert_eq!(found.hosts.as_deref(), Some("y,z"));
        assert_eq!(found.ports.as_deref(), Some("1"));
        assert!(found.ignored.is_empty());
    }

    #[test]
    fn what_cannot_be_read_is_left_out() {
        let odd = "keepalives=yes&keepalives_idle=2h&keepalives_count=-1&channel_binding=maybe\
                   &target_session_attrs=leader&connect_timeout=soon&pgbouncer=true";
        let (found, driver) = read(odd);
        let names = [
            "keepalives",
            "keepalives_idle",
            "keepalives_count",
            "channel_binding",
            "target_session_attrs",
            "connect_timeout",
        ];
        assert_eq!(found.ignored, names);
        assert_eq!(driver.get_channel_binding(), ChannelBinding::Prefer);
        assert!(driver.get_keepalives());
        let (found, driver) =
            read("keepalives=0&keepalives_idle=0&connect_timeout=-1&keepalives_interval=7");
        assert!(found.ignored.is_empty());
        assert!(!driver.get_keepalives());
        assert_eq!(
            driver.get_keepalives_interval(),
            Some(Duration::from_secs(7))
        );
        assert_eq!(
            driver.get_keepalives_idle(),
            Config::new().get_keepalives_idle()
        );
    }
}
