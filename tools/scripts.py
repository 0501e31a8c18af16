"""The same certificate in 16 scripts: the language, and what is awarded to whom by whom."""

from msgspec import Struct

from testamur.rendering.samples import SAMPLE_VALUES
from testamur.rendering.values import Value


class InScript(Struct, frozen=True):
    language: str
    recipient: str
    course: str
    issuer: str

    @property
    def values(self) -> dict[str, Value]:
        shown = {"recipient.name": self.recipient, "group.name": self.course, "issuer.name": self.issuer}
        return {**SAMPLE_VALUES, **shown, "course.name": self.course}


SCRIPTS = {
    "Latin": InScript("vi", "Nguyễn Thị Ánh Tuyết", "Nhập môn thị trường tài chính", "Học viện Meridian"),
    "Greek": InScript("el", "Ελένη Παπαδοπούλου", "Χρηματοπιστωτικές αγορές", "Ινστιτούτο Μεριδιανός"),
    "Cyrillic": InScript("uk", "Юрій Щербаківський", "Фінансові ринки", "Інститут «Меридіан»"),
    "Arabic": InScript("ar", "محمد عبد الرحمن الفارسي", "أساسيات الأسواق المالية", "معهد ميريديان"),
    "Hebrew": InScript("he", "נועה כהן־לוי", "מבוא לשוקי ההון", "מכון מרידיאן"),
    "Devanagari": InScript("hi", "अनन्या शर्मा", "वित्तीय बाज़ारों का परिचय", "मेरिडियन संस्थान"),
    "Bengali": InScript("bn", "শ্রেয়া চট্টোপাধ্যায়", "আর্থিক বাজারের পরিচিতি", "মেরিডিয়ান ইনস্টিটিউট"),
    "Tamil": InScript("ta", "கிருஷ்ணமூர்த்தி ராஜேஸ்வரி", "நிதிச் சந்தைகள் அறிமுகம்", "மெரிடியன் நிறுவனம்"),
    "Thai": InScript("th", "ปิยะวรรณ ศรีสุขใจ", "ตลาดการเงินเบื้องต้น", "สถาบันเมอริเดียน"),
    "Georgian": InScript("ka", "ნინო წერეთელი", "ფინანსური ბაზრები", "მერიდიანის ინსტიტუტი"),
    "Armenian": InScript("hy", "Անահիտ Հովհաննիսյան", "Ֆինանսական շուկաներ", "Մերիդիան ինստիտուտ"),
    "Amharic": InScript("am", "ሠላማዊት ኃይለ ማርያም", "የፋይናንስ ገበያዎች መግቢያ", "ሜሪዲያን ተቋም"),
    "Chinese": InScript("zh", "欧阳思琪", "金融市场导论", "子午线学院"),
    "Japanese": InScript("ja", "山田 花子", "金融市場の基礎講座", "メリディアン学院"),
    "Korean": InScript("ko", "김민준", "금융 시장의 이해", "메리디안 아카데미"),
    "Emoji": InScript("en", "Ada 👩🏽‍🎓 Lovelace", "Growing things 🌱🐝🌻", "Meridian Institute 🎓"),
}
