//! Connection strings of Event Hubs: `key=value` pairs between semicolons.
//!
//! Source: azure-sdk-for-go `messaging/azeventhubs/internal/exported/connection_string_parser.go`.

const NO_HUB: &str =
    "connection string does not contain an EntityPath. eventHub cannot be an empty string";

/// What a connection string says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ConnectionString {
    /// Scheme and host of the REST API.
    pub(super) origin: String,
    pub(super) hub: String,
    pub(super) access: Access,
}

/// What opens the hub.
#[derive(PartialEq, Eq)]
pub(super) enum Access {
    Key { name: String, key: String },
    Signed(String),
}

impl std::fmt::Debug for Access {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Key { .. } => "Key",
            Self::Signed(_) => "Signed",
        })
    }
}

impl ConnectionString {
    /// Reads a string. Errors never quote it.
    pub(super) fn parse(text: &str) -> Result<Self, &'static str> {
        let value = |wanted: &str| {
            text.split(';')
                .filter_map(|pair| pair.split_once('='))
                .find(|(key, _)| key.trim().eq_ignore_ascii_case(wanted))
                .map(|(_, value)| value.trim())
                .filter(|value| !value.is_empty())
        };
        let endpoint = value("Endpoint").ok_or("key \"Endpoint\" must not be empty")?;
        let emulator =
            value("UseDevelopmentEmulator").is_some_and(|value| value.eq_ignore_ascii_case("true"));
        let host = endpoint
            .split_once("://")
            .map_or(endpoint, |(_, host)| host)
            .trim_end_matches('/');
        let access = if let Some(signature) = value("SharedAccessSignature") {
            Access::Signed(signature.to_owned())
        } else {
            Access::Key {
                name: value("SharedAccessKeyName")
                    .ok_or("key \"SharedAccessKeyName\" must not be empty")?
                    .to_owned(),
                key: value("SharedAccessKey")
                    .ok_or("key \"SharedAccessKey\" must not be empty")?
                    .to_owned(),
            }
        };
        let hub = value("EntityPath").ok_or(NO_HUB)?.to_owned();
        Ok(Self {
            origin: format!("{}://{host}", if emulator { "http" } else { "https" }),
            hub,
            access,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_is_demanded() {
        let endpoint = "Endpoint=sb://ns.servicebus.windows.net/";
        for (text, expected) in [
            (
                format!("{endpoint};SharedAccessKeyName=root;SharedAccessKey=a+b/c==;EntityPath=hub"),
                Ok("https://ns.servicebus.windows.net"),
            ),
            (
                "Endpoint=sb://localhost;SharedAccessKeyName=root;SharedAccessKey=k;UseDevelopmentEmulator=true;EntityPath=hub".to_owned(),
                Ok("http://localhost"),
            ),
            (
                format!("{endpoint};SharedAccessKeyName=root;SharedAccessKey=k"),
                Err(NO_HUB),
            ),
            (
                format!("{endpoint};SharedAccessKey=k;EntityPath=hub"),
                Err("key \"SharedAccessKeyName\" must not be empty"),
            ),
            (
                format!("{endpoint};SharedAccessKeyName=root;EntityPath=hub"),
                Err("key \"SharedAccessKey\" must not be empty"),
            ),
            (
                "SharedAccessKeyName=root;SharedAccessKey=k;EntityPath=hub".to_owned(),
                Err("key \"Endpoint\" must not be empty"),
            ),
        ] {
            let origin = ConnectionString::parse(&text).map(|parsed| parsed.origin);
            assert_eq!(origin.as_deref().map_err(|why| *why), expected, "{text}");
        }
    }

    #[test]
    fn keys_keep_their_padding() {
        let text = "Endpoint=sb://ns/;SharedAccessKeyName=root;SharedAccessKey=YQ==;EntityPath=hub";
        let Ok(ConnectionString { access, hub, .. }) = ConnectionString::parse(text) else {
            panic!("no connection string");
        };
        assert!(matches!(access, Access::Key { name, key } if name == "root" && key == "YQ=="));
        assert_eq!(hub, "hub");
    }
}
