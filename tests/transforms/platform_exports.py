"""Exports of other platforms: the header rows that they write, and a contact as each of them writes it."""

from dataclasses import dataclass

_GROUPS = "E-mail 1 - {0},E-mail 1 - Value,E-mail 2 - {0},E-mail 2 - Value,Phone 1 - {0},Phone 1 - Value"


@dataclass(frozen=True)
class Export:
    """`cells` are those of one contact by header, `stored` what must come of them; all other cells are blank."""

    header: str
    cells: dict[str, str]
    stored: dict[str, str]
    delimiter: str = ","
    file: str = "contacts.csv"

    @property
    def names(self) -> list[str]:
        return self.header.split(self.delimiter) if self.delimiter != "," else _names(self.header)

    def text(self, *rows: dict[str, str]) -> str:
        """The header and a row for each of `rows`, which are laid over the contact's cells."""
        lines = [self.delimiter.join(map(_quoted, self.names))]
        for row in rows or ({},):
            cells = {**self.cells, **row}
            lines.append(self.delimiter.join(_quoted(cells.get(name, "")) for name in self.names))
        return "\n".join(lines) + "\n"


def _names(header: str) -> list[str]:
    import csv

    return next(csv.reader([header]))


def _quoted(cell: str) -> str:
    return '"' + cell.replace('"', '""') + '"'


EXPORTS = {
    "listmonk": Export(
        "uuid,email,name,attributes,status,created_at,updated_at",
        {"email": "Ana@Example.com", "name": "Ana", "attributes": '{"a": 1}', "status": "blocklisted"},
        {"email": "ana@example.com", "name": "Ana", "newsletter_subscription_status": "unsubscribed"},
    ),
    "woocommerce": Export(
        "Name,Username,Last Active,Sign Up,Email,Orders,Total Spend,AOV,Country / Region,City,Region,Postal Code,"
        "Billing Phone,Shipping Phone,Role",
        {
            "Name": "Ana García",
            "Email": "ana@example.com",
            "Total Spend": "12.50",
            "Country / Region": "ES",
            "City": "Madrid",
            "Billing Phone": "651 234 567",
        },
        {
            "email": "ana@example.com",
            "name": "Ana García",
            "total_spent": "12.5",
            "country": "ES",
            "city": "Madrid",
            "mobile_phone": "'+34651234567",
        },
    ),
    "prestashop-sample": Export(
        "Customer ID;Active (0/1);Titles ID (Mr = 1, Ms = 2, else 0);Email *;Password *;Birthday (yyyy-mm-dd);"
        "Last Name *;First Name *;Newsletter (0/1);Opt-in (0/1);Registration date (yyyy-mm-dd);Groups (x,y,z...);"
        "Default group ID",
        {
            "Customer ID": "1",
            "Titles ID (Mr = 1, Ms = 2, else 0)": "2",
            "Email *": "ana@example.com",
            "Password *": "secret-1",
            "Birthday (yyyy-mm-dd)": "1990-12-31",
            "Last Name *": "García",
            "First Name *": "Ana",
            "Newsletter (0/1)": "0",
        },
        {
            "email": "ana@example.com",
            "name": "Ana",
            "surname": "García",
            "birthdate": "1990-12-31",
            "gender": "f",
            "newsletter_subscription_status": "unsubscribed",
        },
        ";",
    ),
    "prestashop-list": Export(
        "ID;Title;Last name;First Name;Email address;Age;Enabled;News.;Opt.;Registration;Last visit;",
        {
            "ID": "1",
            "Title": "Mrs.",
            "Last name": "García",
            "First Name": "Ana",
            "Email address": "ana@example.com",
            "News.": "1",
        },
        {
            "email": "ana@example.com",
            "name": "Ana",
            "surname": "García",
            "newsletter_subscription_status": "subscribed",
        },
        ";",
    ),
    "magento2": Export(
        "email,_website,_store,confirmation,created_at,created_in,disable_auto_group_change,dob,firstname,gender,"
        "group_id,lastname,middlename,password_hash,prefix,rp_token,rp_token_created_at,store_id,suffix,taxvat,"
        "website_id,password",
        {
            "email": "ana@example.com",
            "_website": "base",
            "dob": "1990-12-31",
            "firstname": "Ana",
            "lastname": "García",
            "gender": "Female",
            "password_hash": "secret-1",
            "rp_token": "secret-2",
            "rp_token_created_at": "secret-3",
            "password": "secret-4",
        },
        {"email": "ana@example.com", "name": "Ana", "surname": "García", "birthdate": "1990-12-31", "gender": "f"},
    ),
    "mailchimp": Export(
        '"Email Address","First Name","Last Name",MEMBER_RATING,OPTIN_TIME,OPTIN_IP,CONFIRM_TIME,CONFIRM_IP,LATITUDE,'
        "LONGITUDE,GMTOFF,DSTOFF,TIMEZONE,CC,REGION,LAST_CHANGED,LEID,EUID,NOTES",
        {"Email Address": "ana@example.com", "First Name": "Ana", "Last Name": "García", "MEMBER_RATING": "2"},
        {
            "email": "ana@example.com",
            "name": "Ana",
            "surname": "García",
            "newsletter_subscription_status": "subscribed",
        },
        file="subscribed_members_export_1a2b3c.csv",
    ),
    "shopify": Export(
        "Customer ID,First Name,Last Name,Email,Accepts Email Marketing,Default Address Company,"
        "Default Address Address1,Default Address Address2,Default Address City,Default Address Province Code,"
        "Default Address Country Code,Default Address Zip,Default Address Phone,Phone,Accepts SMS Marketing,"
        "Total Spent,Total Orders,Note,Tax Exempt,Tags",
        {
            "Customer ID": "'6123",
            "First Name": "Ana",
            "Last Name": "García",
            "Email": "ana@example.com",
            "Accepts Email Marketing": "yes",
            "Accepts SMS Marketing": "no",
            "Phone": "'+34651234567",
            "Default Address City": "Madrid",
            "Default Address Country Code": "ES",
            "Total Spent": "0.00",
        },
        {
            "email": "ana@example.com",
            "name": "Ana",
            "surname": "García",
            "newsletter_subscription_status": "subscribed",
            "sms_subscription_status": "unsubscribed",
            "mobile_phone": "'+34651234567",
            "city": "Madrid",
            "country": "ES",
            "total_spent": "0",
        },
    ),
    "shopify-older": Export(
        "First Name,Last Name,Email,Accepts Email Marketing,Company,Address1,Address2,City,Province,Province Code,"
        "Country,Country Code,Zip,Phone,Accepts SMS Marketing,Total Spent,Total Orders,Tags,Note,Tax Exempt",
        {
            "First Name": "Ana",
            "Last Name": "García",
            "Email": "ana@example.com",
            "Accepts Email Marketing": "no",
            "Accepts SMS Marketing": "no",
            "Phone": "'651234567",
            "City": "Madrid",
            "Country": "Spain",
            "Total Spent": "12.5",
        },
        {
            "email": "ana@example.com",
            "name": "Ana",
            "surname": "García",
            "newsletter_subscription_status": "unsubscribed",
            "sms_subscription_status": "unsubscribed",
            "mobile_phone": "'+34651234567",
            "city": "Madrid",
            "country": "Spain",
            "total_spent": "12.5",
        },
    ),
    "google": Export(
        "First Name,Middle Name,Last Name,Phonetic First Name,Phonetic Middle Name,Phonetic Last Name,Name Prefix,"
        "Name Suffix,Nickname,File As,Organization Name,Organization Title,Organization Department,Birthday,Notes,"
        "Photo,Labels," + _GROUPS.format("Label"),
        {
            "First Name": "Ana",
            "Last Name": "García",
            "Birthday": "1990-12-31",
            "E-mail 1 - Value": "ana@example.com ::: ana@example.org",
            "E-mail 2 - Value": "ana@example.net",
            "Phone 1 - Value": "+34 651-23-45-67",
        },
        {
            "email": "ana@example.com",
            "name": "Ana",
            "surname": "García",
            "birthdate": "1990-12-31",
            "alternative_email": "ana@example.net",
            "mobile_phone": "'+34651234567",
        },
    ),
    "google-old": Export(
        "Name,Given Name,Additional Name,Family Name,Yomi Name,Given Name Yomi,Additional Name Yomi,Family Name Yomi,"
        "Name Prefix,Name Suffix,Initials,Nickname,Short Name,Maiden Name,Birthday,Gender,Location,Notes,Language,"
        "Photo,Group Membership," + _GROUPS.format("Type"),
        {
            "Name": "Ana García",
            "Given Name": "Ana",
            "Family Name": "García",
            "Birthday": "1990-12-31",
            "E-mail 1 - Value": "ana@example.com",
            "Phone 1 - Value": "651 234 567 ::: 952 123 456",
        },
        {
            "email": "ana@example.com",
            "name": "Ana",
            "surname": "García",
            "birthdate": "1990-12-31",
            "alternative_email": "",
            "mobile_phone": "'+34651234567",
        },
    ),
    "outlook": Export(
        "First Name,Middle Name,Last Name,Title,Suffix,Initials,Web Page,Gender,Birthday,Anniversary,Location,Language,"
        "Internet Free Busy,Notes,E-mail Address,E-mail 2 Address,E-mail 3 Address,Primary Phone,Home Phone,"
        "Home Phone 2,Mobile Phone,Home City,Home Country/Region,Hobby,Billing Information,Directory Server,"
        "Sensitivity,Priority,Private,Categories",
        {
            "First Name": "Ana",
            "Last Name": "García",
            "Gender": "Female",
            "Birthday": "2/1/1990",
            "E-mail Address": "ana@example.com",
            "Mobile Phone": "(651) 234-567",
            "Home City": "Madrid",
        },
        {
            "email": "ana@example.com",
            "name": "Ana",
            "surname": "García",
            "gender": "f",
            "birthdate": "1990-02-01",
            "mobile_phone": "'+34651234567",
            "city": "Madrid",
            "country": "",
            "alternative_email": "",
        },
    ),
    "hubspot": Export(
        "Record ID,First Name,Last Name,Email,Phone Number,Contact owner,Primary Associated Company ID,"
        "Last Activity Date,Lead Status,Marketing contact status,Create Date,Associated Company,"
        "Unsubscribed from all email,Date of birth,City,Country/Region",
        {
            "Record ID": "901",
            "First Name": "Ana",
            "Last Name": "García",
            "Email": "ana@example.com",
            "Phone Number": "+34 651 23 45 67",
            "Create Date": "2025-03-12 09:14",
            "Unsubscribed from all email": "true",
        },
        {
            "email": "ana@example.com",
            "name": "Ana",
            "surname": "García",
            "mobile_phone": "'+34651234567",
            "newsletter_subscription_status": "unsubscribed",
            "birthdate": "",
            "city": "",
            "country": "",
        },
    ),
    "klaviyo": Export(
        "Email,Klaviyo ID,First Name,Last Name,Organization,Title,Phone Number,Address,Address 2,City,State / Region,"
        "Country,Zip Code,Latitude,Longitude,Source,IP Address,Email Marketing Consent,"
        "Email Marketing Consent Timestamp,Profile Created On,Date Added,Email Suppressions",
        {
            "Email": "ana@example.com",
            "Klaviyo ID": "01ABC",
            "First Name": "Ana",
            "Last Name": "García",
            "City": "Madrid",
            "Country": "Spain",
            "Email Marketing Consent": "NEVER_SUBSCRIBED",
        },
        {
            "email": "ana@example.com",
            "name": "Ana",
            "surname": "García",
            "mobile_phone": "",
            "city": "Madrid",
            "country": "Spain",
        },
    ),
    "brevo": Export(
        "CONTACT ID;EMAIL;LASTNAME;FIRSTNAME;WHATSAPP;SMS;DOUBLE_OPT-IN;OPT_IN;LANDLINE_NUMBER;EXT_ID;"
        "CONTACT_TIMEZONE;JOB_TITLE;LINKEDIN;ADDED_TIME;MODIFIED_TIME",
        {
            "CONTACT ID": "1",
            "EMAIL": "ana@example.com",
            "LASTNAME": "García",
            "FIRSTNAME": "Ana",
            "SMS": "33612345678",
            "DOUBLE_OPT-IN": "Yes",
            "ADDED_TIME": "12-04-2022",
        },
        {"email": "ana@example.com", "name": "Ana", "surname": "García", "mobile_phone": "'+33612345678"},
        ";",
    ),
    "salesforce": Export(
        "Id,AccountId,LastName,FirstName,Salutation,MailingStreet,MailingCity,MailingState,MailingPostalCode,"
        "MailingCountry,Phone,MobilePhone,Email,Title,Department,Birthdate,HasOptedOutOfEmail,DoNotCall",
        {
            "Id": "003A",
            "LastName": "García",
            "FirstName": "Ana",
            "MailingCity": "Madrid",
            "MailingCountry": "Spain",
            "Phone": "+34 91 123 45 67",
            "MobilePhone": "+34 651 23 45 67",
            "Email": "ana@example.com",
            "HasOptedOutOfEmail": "1",
        },
        {
            "email": "ana@example.com",
            "name": "Ana",
            "surname": "García",
            "mobile_phone": "'+34651234567",
            "birthdate": "",
            "city": "Madrid",
            "country": "Spain",
            "newsletter_subscription_status": "unsubscribed",
        },
    ),
    "salesforce-report": Export(
        "Salutation,First Name,Last Name,Title,Mailing Street,Mailing City,Mailing State/Province,"
        "Mailing Zip/Postal Code,Mailing Country,Phone,Mobile,Fax,Email,Account Owner,Account Name,Email Opt Out",
        {
            "First Name": "Ana",
            "Last Name": "García",
            "Mailing City": "Madrid",
            "Mailing Country": "Spain",
            "Phone": "+34 91 123 45 67",
            "Mobile": "",
            "Email": "ana@example.com",
            "Email Opt Out": "0",
        },
        {
            "email": "ana@example.com",
            "name": "Ana",
            "surname": "García",
            "mobile_phone": "",
            "city": "Madrid",
            "country": "Spain",
            "newsletter_subscription_status": "",
        },
    ),
    "thunderbird": Export(
        "First Name,Last Name,Display Name,Nickname,Primary Email,Secondary Email,Screen Name,Work Phone,Home Phone,"
        "Fax Number,Pager Number,Mobile Number,Home City,Home Country,Birth Year,Birth Month,Birth Day,Notes",
        {
            "First Name": "Ana",
            "Last Name": "García",
            "Primary Email": "ana@example.com",
            "Mobile Number": "+34 651 234 567",
            "Birth Year": "1990",
            "Birth Month": "12",
            "Birth Day": "31",
        },
        {
            "email": "ana@example.com",
            "alternative_email": "",
            "name": "Ana",
            "surname": "García",
            "mobile_phone": "'+34651234567",
            "city": "",
            "country": "",
        },
    ),
    "thunderbird-de": Export(
        "Vorname,Nachname,Anzeigename,Spitzname,Primäre E-Mail-Adresse,Sekundäre E-Mail-Adresse,Messenger-Name,"
        "Tel. dienstlich,Tel. privat,Fax-Nummer,Pager-Nummer,Mobil-Tel.-Nr.,Privat: Ort,Privat: Land,Geburtsjahr,"
        "Geburtsmonat,Geburtstag,Notizen",
        {
            "Vorname": "Uwe",
            "Nachname": "Schärer",
            "Primäre E-Mail-Adresse": "uwe@example.com",
            "Sekundäre E-Mail-Adresse": "uwe.privat@example.com",
            "Mobil-Tel.-Nr.": "+49 171 2345678",
            "Privat: Ort": "Köln",
            "Privat: Land": "Deutschland",
            "Geburtsjahr": "1970",
            "Geburtsmonat": "3",
            "Geburtstag": "9",
        },
        {
            "email": "uwe@example.com",
            "alternative_email": "uwe.privat@example.com",
            "name": "Uwe",
            "surname": "Schärer",
            "mobile_phone": "'+491712345678",
            "city": "Köln",
            "country": "Deutschland",
        },
    ),
}
