//! What the process's environment says about the cloud that it runs in.
//!
//! It is read once, in `main`, and handed down. The names are those of the Azure and Google SDKs.

use std::fmt;

/// The variables that decide as whom the controller itself acts, and in which cloud.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct CloudEnvironment {
    /// `AZURE_AUTHORITY_HOST`: where tokens are issued; the public cloud's when absent.
    pub azure_authority_host: Option<String>,
    /// `AZURE_TENANT_ID`.
    pub azure_tenant_id: Option<String>,
    /// `AZURE_CLIENT_ID`.
    pub azure_client_id: Option<String>,
    /// `AZURE_CLIENT_SECRET`.
    pub azure_client_secret: Option<String>,
    /// `AZURE_FEDERATED_TOKEN_FILE`: a service account token that the webhook of Azure projects.
    pub azure_federated_token_file: Option<String>,
    /// `GOOGLE_APPLICATION_CREDENTIALS`: a file with a key or with a way to exchange tokens.
    pub google_application_credentials: Option<String>,
    /// `GCE_METADATA_HOST`: host and port of the metadata server; the link-local one when absent.
    pub gce_metadata_host: Option<String>,
}

impl fmt::Debug for CloudEnvironment {
    /// Without the secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CloudEnvironment")
            .field("azure_authority_host", &self.azure_authority_host)
            .field("azure_tenant_id", &self.azure_tenant_id)
            .field("azure_client_id", &self.azure_client_id)
            .finish_non_exhaustive()
    }
}

impl CloudEnvironment {
    /// Picks the variables; an empty one counts as absent.
    pub fn read(variable: impl Fn(&str) -> Option<String>) -> Self {
        let variable = |name| variable(name).filter(|value| !value.is_empty());
        Self {
            azure_authority_host: variable("AZURE_AUTHORITY_HOST"),
            azure_tenant_id: variable("AZURE_TENANT_ID"),
            azure_client_id: variable("AZURE_CLIENT_ID"),
            azure_client_secret: variable("AZURE_CLIENT_SECRET"),
            azure_federated_token_file: variable("AZURE_FEDERATED_TOKEN_FILE"),
            google_application_credentials: variable("GOOGLE_APPLICATION_CREDENTIALS"),
            gce_metadata_host: variable("GCE_METADATA_HOST"),
        }
    }

    /// The authority without a slash at the end.
    pub(crate) fn azure_authority(&self) -> &str {
        self.azure_authority_host
            .as_deref()
            .unwrap_or("https://login.microsoftonline.com")
            .trim_end_matches('/')
    }

    /// The suffix of Event Hubs namespaces in the authority's cloud.
    pub(crate) fn event_hubs_suffix(&self) -> &'static str {
        let authority = self.azure_authority();
        if authority.contains("chinacloudapi.cn") {
            ".servicebus.chinacloudapi.cn"
        } else if authority.contains("microsoftonline.us") {
            ".servicebus.usgovcloudapi.net"
        } else {
            ".servicebus.windows.net"
        }
    }

    /// The metadata server of Google's machines.
    pub(crate) fn google_metadata(&self) -> String {
        let host = self.gce_metadata_host.as_deref();
        format!("http://{}", host.unwrap_or("169.254.169.254"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_authority_decides_the_cloud() {
        for (authority, expected, suffix) in [
            (
                "",
                "https://login.microsoftonline.com",
                ".servicebus.windows.net",
            ),
            (
                "https://login.chinacloudapi.cn/",
                "https://login.chinacloudapi.cn",
                ".servicebus.chinacloudapi.cn",
            ),
            (
                "https://login.microsoftonline.us",
                "https://login.microsoftonline.us",
                ".servicebus.usgovcloudapi.net",
            ),
        ] {
            let environment = CloudEnvironment::read(|name| {
                (name == "AZURE_AUTHORITY_HOST").then(|| authority.to_owned())
            });
            assert_eq!(environment.azure_authority(), expected);
            assert_eq!(environment.event_hubs_suffix(), suffix);
        }
    }
}
